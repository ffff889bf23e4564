'use strict';
// What the page knows: the videos with what was found in them and their labels, which of it is shown, and every change.

const data = JSON.parse(document.getElementById('data').textContent);

// Times that a hand makes are whole milliseconds, and nothing that it makes is shorter than this.
const SHORTEST = 0.01;
const milliseconds = seconds => Math.round(seconds * 1000) / 1000;

// One segment or point ("at") of a record's list. Never changed: an edit makes a new one. `source` is the object in the
// record, whose other members an export keeps; text: its JSON as it came, in which numbers have all their digits.
const readSegment = (kind, source, text = null) => {
  const point = source.at !== undefined;
  return {kind, start: point ? source.at : source.segment[0], end: point ? source.at : source.segment[1], point,
    label: source.label ?? '', score: source.score ?? null, source, text};
};

// The texts of a JSON list's items.
const itemTexts = list => {
  const items = [];
  let depth = 0, begin = list.indexOf('[') + 1;
  for (const {0: token, index} of list.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    if (token === '[' || token === '{') ++depth;
    else if (token === ']' || token === '}') --depth;
    if (depth > 1 || !(token === ',' || depth === 0)) continue;
    const item = list.slice(begin, index).trim();
    if (item) items.push(item);
    begin = index + 1;
  }
  return items;
};

const tiou = (a, b) => {
  const inter = Math.min(a.end, b.end) - Math.max(a.start, b.start);
  return inter > 0 ? inter / (Math.max(a.end, b.end) - Math.min(a.start, b.start)) : 0;
};

// members: [key, JSON text] of the record as it came; truth: JSON text of the annotations of --gt; url: the file as seen
// from the page; file: as the record names it; state: "found", "missing" (when
// the page was made), "remote" (http), "live" (another protocol) or "none"; start: seconds on the player's clock at
// which time 0 stands, time_origin or the first picture, null: not known; facts: what files of other tools keep beside the
// video, names and texts; sound: whether the medium is none of pictures.
class Video {
  constructor({members, truth, url, file, state, thumbnails, start, facts, sound}) {
    Object.assign(this, {members, truth, url, file, state, thumbnails: thumbnails ?? [], start: start ?? null, facts, sound});
    this.id = this.read('video');
    const fps = this.read('fps');
    this.fps = Array.isArray(fps) ? fps[0] / fps[1] : fps ?? null;
    this.first = itemTexts(truth ?? this.member('annotations') ?? '[]').map(text => readSegment('label', JSON.parse(text), text));
    this.labels = this.first;
    this.found = (this.read('proposals') ?? []).map(s => readSegment('found', s));
    this.dismissed = new Set();
    this.stated = this.read('duration') ?? 0;  // seconds; 0: not stated
    this.length = this.stated || Math.max(1, ...[...this.labels, ...this.found].map(s => s.end));
    this.known = this.stated > 0;
  }
  member(key) { return this.members.find(([name]) => name === key)?.[1]; }
  read(key) { const text = this.member(key); return text === undefined ? undefined : JSON.parse(text); }
  // Times of the record and of the player, which may begin to count before the first picture.
  onPlayer(time) { return time + (this.start ?? 0); }
  fromPlayer(time) { return Math.max(0, time - (this.start ?? 0)); }
  get clockText() {
    return !this.url ? '' : this.start === null ? 'time 0: the start of the file (where its first picture is was not found out)'
      : this.read('time_origin') !== undefined ? `time 0: ${milliseconds(this.start)} s on the player's clock (time_origin)`
      : this.start ? `time 0: the first picture, ${milliseconds(this.start)} s behind the start of the file` : '';
  }
  get changed() { return this.labels !== this.first; }
  // Whether somebody said what is in it, be it nothing.
  get labelled() { return this.labels.length > 0 || this.truth !== null || this.member('annotations') !== undefined || this.changed; }
}

const videos = data.videos.map(v => new Video(v));

// One colour a class through the whole page, as long as there are enough.
const COLOURS = 21;
const classes = [...new Set(videos.flatMap(v => [...v.labels, ...v.found].map(s => s.label)))].sort();
const classIndex = new Map(classes.map((name, i) => [name, i]));
const colourOf = label => {
  if (!classIndex.has(label)) classIndex.set(label, classes.push(label) - 1);
  return classIndex.get(label) % COLOURS;
};
const className = label => label === '' ? '(no class)' : label;

// The range of the page's scores: 0 to 1 where all are inside, else their own.
const scores = (() => {
  let low = Infinity, high = -Infinity;
  for (const v of videos) for (const f of v.found) if (f.score !== null) { low = Math.min(low, f.score); high = Math.max(high, f.score); }
  if (low > high) return {low: 0, high: 1, any: false};
  return low >= 0 && high <= 1 && high > 0.2 ? {low: 0, high: 1, any: true} : {low: Math.min(low, 0), high: high > low ? high : low + 1, any: true};
})();
const strength = score => score === null ? 1 : Math.min(1, Math.max(0, (score - scores.low) / (scores.high - scores.low)));

const filter = {threshold: data.threshold ?? scores.low, hidden: new Set()};
const isShown = s => !filter.hidden.has(s.label) && (s.kind === 'label' || s.score === null || s.score >= filter.threshold);
const shownFound = video => video.found.filter(f => isShown(f) && !video.dismissed.has(f));
const shownLabels = video => video.labels.filter(isShown);
const inTime = (a, b) => a.start - b.start || a.end - b.end;

// Changes of labels: each keeps the lists before and behind it.
const edits = {
  done: [], undone: [], exported: undefined,
  change(video, labels, dismissed = video.dismissed) {
    const step = {video, before: [video.labels, video.dismissed], after: [labels, dismissed]};
    this.done.push(step);
    this.undone = [];
    [video.labels, video.dismissed] = step.after;
  },
  undo() {
    const step = this.done.pop();
    if (!step) return null;
    this.undone.push(step);
    [step.video.labels, step.video.dismissed] = step.before;
    return step.video;
  },
  redo() {
    const step = this.undone.pop();
    if (!step) return null;
    this.done.push(step);
    [step.video.labels, step.video.dismissed] = step.after;
    return step.video;
  },
  get unsaved() { return this.done.at(-1) !== this.exported; },
};

// A segment with other times or another class, inside the video. What was found becomes a label by it.
const corrected = (video, segment, change) => {
  const s = {...segment, ...change, kind: 'label', text: null};
  if (segment.kind === 'found') {
    s.score = null;
    s.source = {};
    s.from = segment;
  }
  const end = video.known ? video.length : Infinity;
  if (s.point) {
    s.start = s.end = milliseconds(Math.min(Math.max(s.start, 0), end));
    return s;
  }
  // An edge that is not moved keeps all its digits.
  const settle = (value, old) => value === old ? value : milliseconds(Math.min(Math.max(value, 0), end));
  s.start = settle(s.start, segment.start);
  s.end = settle(s.end, segment.end);
  if (s.end - s.start < SHORTEST) {
    if (s.start !== segment.start) s.start = milliseconds(Math.max(0, s.end - SHORTEST));
    if (s.end - s.start < SHORTEST) s.end = milliseconds(s.start + SHORTEST);
  }
  return s;
};

// Puts `segment` in the place of `old`: a label's own, or behind the others when `old` was found. Returns it.
const replaceSegment = (video, old, segment) => {
  if (old.kind === 'found') edits.change(video, [...video.labels, segment], new Set(video.dismissed).add(old));
  else edits.change(video, video.labels.map(l => l === old ? segment : l));
  return segment;
};
const removeSegment = (video, old) => {
  if (old.kind === 'found') edits.change(video, video.labels, new Set(video.dismissed).add(old));
  else edits.change(video, video.labels.filter(l => l !== old));
};
const acceptFound = (video, found) => {
  const made = found.map(f => corrected(video, f, {}));
  edits.change(video, [...video.labels, ...made], new Set([...video.dismissed, ...found]));
  return made;
};

// "1:02:03.5", with so many digits behind the point.
const clockText = (seconds, digits = 0) => {
  const unit = 10 ** digits, all = Math.round(seconds * unit), whole = Math.floor(all / unit), part = all % unit;
  const two = n => String(n).padStart(2, '0');
  const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
  return (h ? h + ':' + two(m) : m) + ':' + two(whole % 60) + (digits ? '.' + String(part).padStart(digits, '0') : '');
};
const scoreText = score => score === null ? '' : Math.abs(score) >= 0.001 && Math.abs(score) < 1000 || score === 0 ? String(+score.toFixed(3)) : String(+score.toPrecision(2));
