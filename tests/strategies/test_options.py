import pytest

from bgpbt.errors import InputError
from bgpbt.strategies import option_defaults, strategy_names, strategy_options
from bgpbt.surrogate import SurrogateSettings


def test_every_switch_of_the_method_is_an_option() -> None:
    defaults = option_defaults("bgpbt")
    assert defaults["backtrack"] is False
    assert defaults["fit_lengthscales"] is True
    assert defaults["restart"] == "guided"
    assert option_defaults("pbt") == {"resample_probability": 0.25, "keep_donor": 0.0}
    assert option_defaults("random") == {}


def test_options_of_the_surrogate_are_gathered() -> None:
    options = strategy_options("bgpbt", {"backtrack": True, "restart": "random", "ucb_beta": 3})
    assert options == {"backtrack": True, "surrogate": SurrogateSettings(restart="random", ucb_beta=3)}


@pytest.mark.parametrize("strategy", strategy_names())
def test_defaults_change_nothing(strategy: str) -> None:
    options = strategy_options(strategy, option_defaults(strategy))
    assert options.get("surrogate", SurrogateSettings()) == SurrogateSettings()


@pytest.mark.parametrize(
    ("strategy", "given", "said"),
    [
        ("pbt", {"restart": "random"}, "strategy pbt has no option 'restart'; it has resample_probability"),
        ("random", {"seed": 1}, "strategy random has no option 'seed'; it has none"),
        ("bgpbt", {"starts": 2.5}, "option starts = 2.5 must be a whole number, such as 24"),
        ("bgpbt", {"ucb_beta": True}, "option ucb_beta = True must be a number, such as 2.0"),
        ("bgpbt", {"backtrack": 1}, "option backtrack = 1 must be true or false, such as False"),
        ("bgpbt", {"restart": "never"}, "restart = 'never' must be guided or random"),
        ("ours", {}, "there is no strategy 'ours'"),
    ],
)
def test_a_wrong_option_is_named(
    strategy: str, given: dict[str, bool | int | float | str], said: str
) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        strategy_options(strategy, given)
