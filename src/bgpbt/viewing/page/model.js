// Runs as the page knows them: rows by round and member, and who came from whom.
"use strict";

const keyOf = (round, member) => round + ":" + member;

class Run {
  constructor(name) {
    this.name = name;
    this.version = null;
    this.head = null;
    this.summary = null;
    this.problem = null;
    this.speed = null;
    this.clear();
  }

  clear() {
    this.rows = new Map();
    this.members = 0; // slots of the largest round
    this.rounds = 0;
  }

  // Take in a document, or the rows of one since a round that was seen before.
  take(part) {
    if (part.version !== this.version) this.clear();
    this.version = part.version;
    this.problem = part.problem;
    this.speed = part.speed || null;
    if (part.head === null) return;
    this.head = part.head;
    this.summary = part.summary;
    const fields = part.head.fields;
    for (const values of part.rows) {
      const row = {};
      fields.forEach((field, index) => { row[field] = values[index]; });
      this.add(row);
    }
  }

  add(row) {
    row.id = keyOf(row.round, row.member);
    row.total = row.first_step + row.steps;
    row.parentRow = row.weights ? this.rows.get(keyOf(...row.weights)) || null : null;
    row.teacherRow = row.teacher ? this.rows.get(keyOf(...row.teacher)) || null : null;
    row.isOwn = row.configuration !== null; // not simply gone on with
    if (!row.isOwn) row.configuration = row.parentRow ? row.parentRow.configuration : [];
    row.purposeName = this.head.purposes[row.purpose];
    this.rows.set(row.id, row);
    this.members = Math.max(this.members, row.member + 1);
    this.rounds = Math.max(this.rounds, row.round + 1);
  }

  get best() {
    const best = this.summary && this.summary.best;
    return best ? this.rows.get(keyOf(...best)) || null : null;
  }

  // The rows whose training is in a member's weights, the oldest first, itself last.
  ancestry(row) {
    const line = [];
    for (let at = row; at; at = at.parentRow) line.push(at);
    return line.reverse();
  }

  // Lines of the teachers, one for each earlier generation, the newest first: no weights came from them.
  lessons(line) {
    const taught = [];
    for (let student = line[0]; student && student.teacherRow;) {
      const teachers = this.ancestry(student.teacherRow);
      taught.push({ line: teachers, student });
      student = teachers[0];
    }
    return taught;
  }

  get trainedSteps() {
    const steps = (this.summary && this.summary.steps) || {};
    return Object.entries(steps).reduce((sum, [name, n]) => sum + (name === "evaluation" ? 0 : n), 0);
  }

  get secondsLeft() {
    if (!this.speed || !this.head || !this.head.expected_steps || this.summary.finished) return null;
    return Math.max(this.head.expected_steps - this.trainedSteps, 0) / this.speed;
  }

  // Best return so far over the steps of all members together, a point for each round.
  bestSoFar() {
    const byRound = new Map();
    for (const row of this.rows.values()) {
      const at = byRound.get(row.round) || { steps: 0, score: -Infinity };
      at.steps += row.steps;
      if (row.score !== null && row.failure === null) at.score = Math.max(at.score, row.score);
      byRound.set(row.round, at);
    }
    const points = [];
    let steps = 0, score = -Infinity;
    for (const round of [...byRound.keys()].sort((a, b) => a - b)) {
      steps += byRound.get(round).steps;
      score = Math.max(score, byRound.get(round).score);
      if (Number.isFinite(score)) points.push({ steps, score, round });
    }
    return points;
  }
}
