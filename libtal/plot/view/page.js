// The page around the timeline: the player, the selected segment, filters, lists, keys, exports.

const $ = id => document.getElementById(id);
let video = null;  // the current one
const FRAME = 1 / 25;  // seconds, where the record states no rate

// ----- what is said

let statusTimer = 0;
// quiet: for screen readers alone.
const say = (text, quiet = false) => {
  const status = $('status');
  status.classList.toggle('quiet', quiet);
  status.textContent = text;
  clearTimeout(statusTimer);
  if (!quiet) statusTimer = setTimeout(() => { status.textContent = ''; }, Math.max(6000, 100 * text.length));  // as long as reading takes
};
const lengthText = s => s.point ? 'at ' + clockText(s.start, 3) : `${clockText(s.start, 2)} – ${clockText(s.end, 2)} (${+(s.end - s.start).toFixed(2)} s)`;
// The label of the same class (of any, without a class) that it overlaps most.
const bestOverlap = s => video.labels.reduce((best, l) => l.label === s.label || s.label === '' ? Math.max(best, tiou(l, s)) : best, 0);
const describe = s => className(s.label) + '\n' + (s.kind === 'label' ? 'label' : s.score === null ? 'found' : 'found, score ' + scoreText(s.score)) + '\n' + lengthText(s)
  + (s.kind === 'found' && video.labels.length && !s.point ? '\nbest tIoU with a label ' + +bestOverlap(s).toFixed(2) : '');

const tip = (text, event) => {
  const box = $('tip');
  box.hidden = !text;
  if (!text) return;
  box.textContent = text;
  box.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8)) + 'px';
  box.style.top = (event.clientY + 18 + box.offsetHeight > innerHeight ? event.clientY - box.offsetHeight - 10 : event.clientY + 18) + 'px';
};

// ----- the player; without a video only the time moves. Its times are the record's, the element's own are the file's

const player = {
  element: $('video'), wanted: null, clock: 0, until: null, ready: false, seeking: false, next: null,
  open(v) {
    this.element.pause();
    this.ready = this.seeking = false;
    this.wanted = this.until = this.next = null;
    this.clock = 0;
    const show = v.url && v.state !== 'missing';
    this.element.hidden = !show;
    $('no-video').hidden = show;
    if (show) this.element.src = v.url;
    else {
      this.element.removeAttribute('src');
      this.lack(v);
    }
    this.element.load();
    this.shown();
  },
  lack(v) {
    this.element.hidden = true;
    $('no-video').hidden = false;
    $('no-video-text').textContent = v.state === 'none' ? 'The record names no video file. The timeline works without.'
      : v.state === 'live' ? `${v.file} is a live source, which a page cannot play.`
      : v.state === 'missing' ? `The video file ${v.file} was not found when this page was made.`
      : `This browser cannot play ${v.file}: the file is not there any more, or its format is none that browsers play (MP4 with H.264 and WebM are).`;
  },
  get time() { return this.wanted ?? (this.ready ? video.fromPlayer(this.element.currentTime) : this.clock); },
  get playing() { return this.ready && !this.element.paused && !this.element.ended; },
  seek(time) {
    const t = Math.min(Math.max(time, 0), video.length);
    this.until = null;
    this.clock = t;
    if (!this.ready) this.wanted = this.element.hidden ? null : t;
    else if (this.seeking) this.next = this.wanted = t;
    else {
      this.seeking = true;
      this.wanted = t;
      this.element.currentTime = video.onPlayer(t);
    }
    this.shown();
  },
  toggle() {
    if (!this.ready) return say(this.element.hidden ? 'There is no video to play' : 'The video is not ready yet');
    if (this.playing) return this.element.pause();
    this.until = null;
    this.element.play().catch(error => say('The video does not play: ' + error.message));
  },
  playSegment(s) {
    this.seek(s.start);
    if (!this.ready) return this.toggle();
    this.until = s.point ? s.start + 1 : s.end;
    this.element.play().catch(error => say('The video does not play: ' + error.message));
  },
  // The time as it is now, everywhere on the page.
  shown() {
    const t = this.time;
    if (this.until !== null && t >= this.until && this.playing) {
      this.element.pause();
      this.until = null;
    }
    timeline.setTime(t, this.playing);
    const digits = video.length < 36000 ? 2 : 1;
    $('clock').textContent = clockText(t, digits) + ' / ' + clockText(video.length, 0);
    const host = $('timeline');
    host.setAttribute('aria-valuemax', video.length);
    host.setAttribute('aria-valuenow', +t.toFixed(3));
    host.setAttribute('aria-valuetext', clockText(t, 1) + ' of ' + clockText(video.length));
  },
  buttons() {
    $('play-path').setAttribute('d', this.playing ? 'M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z' : 'M4 2.5v11l9-5.5z');
    $('play').setAttribute('aria-label', this.playing ? 'Pause' : 'Play');
  },
  listen() {
    const e = this.element;
    e.addEventListener('loadedmetadata', () => {
      this.ready = true;
      e.playbackRate = +$('speed').value;
      const length = video.fromPlayer(e.duration);
      if (Number.isFinite(length) && (!video.known || length > video.length + 0.5)) {
        const all = !timeline.zoomed;
        video.length = Math.max(video.length, length);
        if (all) timeline.showAll();
        timeline.refresh();
      }
      const t = this.wanted ?? (video.start ? 0 : null);  // what players show before the first picture is none
      this.wanted = null;
      if (t !== null) this.seek(t);
      this.shown();
    });
    e.addEventListener('error', () => { if (e.getAttribute('src')) { this.ready = false; this.lack(video); } });
    e.addEventListener('seeked', () => {
      this.seeking = false;
      this.wanted = null;
      if (this.next !== null) {
        const t = this.next, until = this.until;
        this.next = null;
        this.seek(t);
        this.until = until;
      }
      this.shown();
    });
    e.addEventListener('timeupdate', () => this.shown());
    e.addEventListener('click', () => this.toggle());
    for (const name of ['play', 'pause', 'ended']) e.addEventListener(name, () => { this.buttons(); this.run(); });
  },
  run() {
    if (!this.playing || this.running) return;
    this.running = true;
    const frame = () => {
      this.shown();
      this.running = this.playing;
      if (this.running) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  },
};

// ----- lists whose rows are made when they are seen

class List {
  static ROW = 28;
  constructor(host, render, choose) {
    Object.assign(this, {host, render, choose, items: [], chosen: -1});
    this.size = document.createElement('div');
    host.append(this.size);
    host.addEventListener('scroll', () => this.draw());
    host.addEventListener('click', event => {
      const row = event.target.closest('[role="option"]');
      if (row) this.choose(this.items[+row.dataset.i]);
    });
    host.addEventListener('keydown', event => {
      const step = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity}[event.key];
      if (step === undefined || !this.items.length) return;
      event.preventDefault();
      event.stopPropagation();
      this.choose(this.items[Math.min(Math.max(this.chosen + step, 0), this.items.length - 1)]);
    });
    new ResizeObserver(() => this.draw()).observe(host);
  }
  set(items, chosen) {
    this.items = items;
    this.size.style.height = items.length * List.ROW + 'px';
    this.choice(chosen);
  }
  choice(item) {
    this.chosen = this.items.indexOf(item);
    const y = this.chosen * List.ROW;
    if (this.chosen >= 0 && (y < this.host.scrollTop || y + List.ROW > this.host.scrollTop + this.host.clientHeight))
      this.host.scrollTop = y - this.host.clientHeight / 2 + List.ROW / 2;
    this.draw();
  }
  draw() {
    const first = Math.max(0, Math.floor(this.host.scrollTop / List.ROW) - 2), last = Math.min(this.items.length, first + Math.ceil(this.host.clientHeight / List.ROW) + 5);
    const rows = [];
    for (let i = first; i < last; ++i) {
      const row = document.createElement('div');
      row.setAttribute('role', 'option');
      row.id = this.host.id + '-' + i;
      row.dataset.i = i;
      row.style.top = i * List.ROW + 'px';
      row.setAttribute('aria-selected', i === this.chosen);
      row.setAttribute('aria-posinset', i + 1);
      row.setAttribute('aria-setsize', this.items.length);
      this.render(row, this.items[i]);
      rows.push(row);
    }
    this.size.replaceChildren(...rows);
    if (this.chosen >= first && this.chosen < last) this.host.setAttribute('aria-activedescendant', this.host.id + '-' + this.chosen);
    else this.host.removeAttribute('aria-activedescendant');
  }
}
const piece = (name, text = '') => {
  const span = document.createElement('span');
  span.className = name;
  span.textContent = text;
  return span;
};
const swatch = (label, full) => {
  const span = piece('swatch' + (full ? ' full' : ''));
  span.style.setProperty('--c', `var(--s${colourOf(label)})`);
  return span;
};

// ----- the parts

const timeline = new Timeline({
  seek: time => player.seek(time),
  select: segment => select(segment, {reveal: false}),
  edit: (old, now) => {
    select(replaceSegment(video, old, now), {reveal: false});
    changed(old.kind === 'found' ? 'Accepted as a label with its new times' : '');
  },
  preview: (s, event) => {
    const mode = timeline.drag.mode;
    player.seek(mode === 'end' ? s.end : s.start);
    tip(lengthText(s), event);
    showSegment(s);
  },
  tip: (what, event) => tip(what && (typeof what === 'string' ? what : describe(what)), event),
  play: segment => player.playSegment(segment),
  view: () => { $('zoom-all').disabled = $('zoom-out').disabled = !timeline.zoomed; },
});

const segmentList = new List($('segment-list'), (row, s) => {
  row.append(swatch(s.label, s.kind === 'label'), piece('name', className(s.label)), piece('number', clockText(s.start, 1)), piece('number', s.kind === 'label' ? 'label' : scoreText(s.score)));
  row.title = describe(s).replaceAll('\n', ', ');
}, s => select(s, {seek: true}));

const videoList = new List($('video-list'), (row, v) => {
  const counts = [v.labels.length && v.labels.length + ' labels', v.found.length && v.found.length + ' found'].filter(Boolean).join(', ');
  row.append(piece('name', (v.changed ? '• ' : '') + v.id), piece('number', counts));
  row.title = v.id;
}, v => openVideo(v));

const shownSegments = () => [...shownLabels(video), ...shownFound(video)].sort((a, b) => inTime(a, b) || (a.kind === 'found') - (b.kind === 'found'));

const openVideo = v => {
  video = v;
  timeline.setVideo(v);
  player.open(v);
  timeline.on.view();
  $('clock-zero').textContent = v.clockText;
  videoList.choice(v);
  showSegment(null);
  showClasses();
  update();
  document.title = v.id + ' – ' + data.title;
};

// After any change of labels or filters.
const update = () => {
  if (timeline.selected && !shownSegments().includes(timeline.selected)) {
    timeline.selected = null;
    showSegment(null);
  }
  timeline.refresh();
  segmentList.set(shownSegments(), timeline.selected);
  videoList.draw();
  const found = shownFound(video).length, open = video.found.filter(f => !video.dismissed.has(f)).length;
  $('shown').textContent = scores.any || video.found.length ? `${found} of ${open}` : 'none';
  $('summary').textContent = `${video.id} · ${video.labelled ? video.labels.length + (video.labels.length === 1 ? ' label' : ' labels') : 'no truth given'} · ${video.found.length} found${edits.unsaved ? ' · not exported' : ''}`;
  $('accept-all').disabled = found === 0;
  $('undo').disabled = edits.done.length === 0;
  $('redo').disabled = edits.undone.length === 0;
  const nothing = !video.labels.length && !video.found.length;
  $('empty').hidden = timeline.layout.rows.length > 0;
  $('empty').textContent = nothing ? 'No labels and nothing found in this record. “New label” makes one at the current time.' : 'Nothing is shown with these filters.';
  showHistogram();
};
const changed = text => {
  showClasses();
  update();
  if (text) say(text);
};

const select = (segment, {seek = false, reveal = true} = {}) => {
  timeline.select(segment);
  showSegment(segment);
  segmentList.choice(segment);
  if (!segment) return;
  if (seek) player.seek(segment.start);
  if (reveal) timeline.reveal(segment.start, segment.end);
  say(describe(segment).replaceAll('\n', ', '), true);
};

const showSegment = s => {
  $('kind').textContent = s ? (s.kind === 'label' ? 'Label' : 'Found') : 'Nothing selected';
  for (const id of ['label', 'start', 'end']) $(id).disabled = !s;
  for (const id of ['play-segment', 'delete', 'accept']) $(id).disabled = !s;
  $('accept').hidden = !s || s.kind === 'label';
  $('delete').textContent = s && s.kind === 'found' ? 'Dismiss' : 'Delete';
  $('label').value = s ? s.label : '';
  $('start').value = s ? +s.start.toFixed(3) : '';
  $('end').value = s ? +s.end.toFixed(3) : '';
  $('end').disabled = !s || s.point;
  $('facts').textContent = !s ? '' : [s.point ? 'a point' : +(s.end - s.start).toFixed(3) + ' s', s.score !== null && 'score ' + scoreText(s.score)].filter(Boolean).join(' · ');
};

const editSelected = (change, text = '') => {
  const old = timeline.selected;
  if (!old) return say('Select a segment first (n, or click one)');
  const now = corrected(video, old, change);
  if (old.kind === 'label' && now.start === old.start && now.end === old.end && now.label === old.label) return showSegment(old);
  select(replaceSegment(video, old, now), {reveal: false});
  changed(text);
};
const setEdge = (edge, time) => {
  const s = timeline.selected;
  if (s && (edge === 'start' ? time >= s.end : time <= s.start) && !s.point) {
    showSegment(s);
    return say(edge === 'start' ? 'A start must lie before the end' : 'An end must lie behind the start');
  }
  editSelected(s && s.point ? {start: time, end: time} : {[edge]: time});
};

const acceptSelected = () => {
  const old = timeline.selected;
  if (!old || old.kind !== 'found') return say('Select something found first (n, or click it)');
  const [made] = acceptFound(video, [old]);
  select(made, {reveal: false});
  changed('Accepted as a label');
};
const deleteSelected = () => {
  const old = timeline.selected;
  if (!old) return say('Select a segment first (n, or click one)');
  removeSegment(video, old);
  select(null);
  changed(old.kind === 'found' ? 'Dismissed. It stays among the proposals of the record' : 'Deleted');
};
const addLabel = () => {
  const span = Math.min(video.length, Math.max(1, (timeline.to - timeline.from) * 0.05)), start = Math.min(player.time, Math.max(0, video.length - span));
  const label = timeline.selected?.label ?? video.labels.at(-1)?.label ?? classes.find(c => c !== '') ?? '';
  filter.hidden.delete(label);
  const made = {kind: 'label', start: milliseconds(start), end: milliseconds(start + span), point: false, label, score: null, source: {}};
  edits.change(video, [...video.labels, made]);
  changed();
  select(made);
};
const step = forward => {
  const all = shownSegments();
  if (!all.length) return say('No segment is shown');
  let i = all.indexOf(timeline.selected);
  if (i >= 0) i += forward ? 1 : -1;
  else i = forward ? all.findIndex(s => s.start > player.time - 1e-6) : all.findLastIndex(s => s.start < player.time - 1e-6);
  if (i < 0 && !forward || i >= all.length || i < 0) return say(forward ? 'No segment behind this one' : 'No segment before this one');
  select(all[i], {seek: true});
};
const turnBack = which => {
  const of = edits[which]();
  if (!of) return say('Nothing to ' + which);
  if (of !== video) openVideo(of);
  changed(which === 'undo' ? 'Undone' : 'Done again');
};

// ----- filters

const setThreshold = (value, from) => {
  filter.threshold = Math.min(Math.max(value, scores.low), scores.high);
  if (from !== 'slider') $('threshold').value = 1000 * (filter.threshold - scores.low) / (scores.high - scores.low);
  if (from !== 'number') $('threshold-number').value = +filter.threshold.toPrecision(4);
  $('threshold').setAttribute('aria-valuetext', String(+filter.threshold.toPrecision(4)));
  update();
};

// How many were found at which score, the shown part in full colour.
const showHistogram = () => {
  const canvas = $('histogram'), width = canvas.clientWidth, height = canvas.clientHeight, scale = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const c = canvas.getContext('2d'), bars = Math.max(10, Math.floor(width / 5)), counts = new Array(bars).fill(0);
  c.scale(scale, scale);
  for (const f of video.found) if (f.score !== null && !filter.hidden.has(f.label)) ++counts[Math.min(bars - 1, Math.floor(strength(f.score) * bars))];
  const most = Math.max(1, ...counts), at = strength(filter.threshold) * bars;
  counts.forEach((n, i) => {
    if (!n) return;
    const h = Math.max(2, Math.sqrt(n / most) * (height - 2));
    c.fillStyle = i + 1 > at ? palette.series[0] : palette.line;
    c.fillRect(i * width / bars, height - h, width / bars - 1, h);
  });
};

const showClasses = () => {
  const counts = new Map();
  for (const s of [...video.labels, ...video.found.filter(f => !video.dismissed.has(f))]) counts.set(s.label, (counts.get(s.label) ?? 0) + 1);
  const wanted = $('class-search').value.toLowerCase();
  const rows = [...counts].filter(([label]) => className(label).toLowerCase().includes(wanted)).sort((a, b) => a[0] < b[0] ? -1 : 1).map(([label, count]) => {
    const row = document.createElement('li'), line = document.createElement('label'), box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = !filter.hidden.has(label);
    box.dataset.label = label;
    line.append(box, swatch(label, true), piece('name', className(label)), piece('number', String(count)));
    row.append(line);
    return row;
  });
  const focused = document.activeElement?.dataset?.label;
  $('class-list').replaceChildren(...rows);
  if (focused !== undefined) [...$('class-list').querySelectorAll('input')].find(i => i.dataset.label === focused)?.focus();
  $('labels').replaceChildren(...classes.filter(c => c !== '').map(c => { const option = document.createElement('option'); option.value = c; return option; }));
};
const showAllClasses = shown => {
  for (const box of $('class-list').querySelectorAll('input')) shown ? filter.hidden.delete(box.dataset.label) : filter.hidden.add(box.dataset.label);
  showClasses();
  update();
};

// ----- exports

const download = ({name, type, text, note}) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  $('export').open = false;
  say(name + ' is among your downloads' + (note ? '. Otherwise in the file: ' + note : ''));
};

// ----- wiring

// A button that was clicked gives the keys back to the timeline.
const button = (id, act) => $(id).addEventListener('click', event => {
  act(event);
  if (event.detail > 0) $('timeline').focus({preventScroll: true});
});
button('play', () => player.toggle());
button('mute', () => mute());
button('add', addLabel);
button('undo', () => turnBack('undo'));
button('redo', () => turnBack('redo'));
button('zoom-in', () => timeline.zoom(2));
button('zoom-out', () => timeline.zoom(0.5));
button('zoom-all', () => timeline.showAll());
button('play-segment', () => timeline.selected && player.playSegment(timeline.selected));
button('accept', acceptSelected);
button('delete', deleteSelected);
button('accept-all', () => {
  const found = shownFound(video);
  acceptFound(video, found);
  changed(found.length + ' accepted as labels');
});
button('classes-all', () => showAllClasses(true));
button('classes-none', () => showAllClasses(false));
button('help-open', () => $('help').showModal());
$('export-records').addEventListener('click', () => { download(exports.records()); edits.exported = edits.done.at(-1); update(); });
$('export-elan').addEventListener('click', () => download(exports.elan(video)));
$('export-label-studio').addEventListener('click', () => { download(exports.labelStudio()); edits.exported = edits.done.at(-1); update(); });
document.addEventListener('pointerdown', event => { if (!event.target.closest('#export')) $('export').open = false; });
const mute = () => {
  player.element.muted = !player.element.muted;
  $('mute').setAttribute('aria-pressed', player.element.muted);
};
$('speed').addEventListener('change', () => { player.element.playbackRate = +$('speed').value; });
$('threshold').addEventListener('input', () => setThreshold(scores.low + (scores.high - scores.low) * $('threshold').value / 1000, 'slider'));
$('threshold-number').addEventListener('change', () => setThreshold(+$('threshold-number').value || 0, ''));
$('class-search').addEventListener('input', showClasses);
$('class-list').addEventListener('change', event => {
  const {label} = event.target.dataset;
  event.target.checked ? filter.hidden.delete(label) : filter.hidden.add(label);
  update();
});
$('video-search').addEventListener('input', () => {
  const wanted = $('video-search').value.toLowerCase();
  videoList.set(videos.filter(v => v.id.toLowerCase().includes(wanted)), video);
});
$('inspector').addEventListener('submit', event => event.preventDefault());
$('label').addEventListener('change', () => editSelected({label: $('label').value.trim()}));
for (const edge of ['start', 'end']) $(edge).addEventListener('change', () => $(edge).value === '' ? showSegment(timeline.selected) : setEdge(edge, +$(edge).value));
$('pick').addEventListener('change', () => {
  const [file] = $('pick').files;
  if (!file) return;
  if (video.url?.startsWith('blob:')) URL.revokeObjectURL(video.url);
  video.picked = true;
  player.open(Object.assign(Object.create(video), {url: URL.createObjectURL(file), file: file.name, state: 'found'}));
});

const keys = {
  ' ': () => player.toggle(),
  ArrowLeft: e => player.seek(player.time - (e.shiftKey ? 10 : 1)),
  ArrowRight: e => player.seek(player.time + (e.shiftKey ? 10 : 1)),
  ',': () => player.seek(player.time - (video.fps ? 1 / video.fps : FRAME)),
  '.': () => player.seek(player.time + (video.fps ? 1 / video.fps : FRAME)),
  Home: () => player.seek(0),
  End: () => player.seek(video.length),
  n: () => step(true),
  p: () => step(false),
  Enter: () => timeline.selected ? player.playSegment(timeline.selected) : player.toggle(),
  '[': () => setEdge('start', player.time),
  ']': () => setEdge('end', player.time),
  i: addLabel,
  a: acceptSelected,
  Delete: deleteSelected,
  Backspace: deleteSelected,
  '+': () => timeline.zoom(2),
  '=': () => timeline.zoom(2),
  '-': () => timeline.zoom(0.5),
  '0': () => timeline.showAll(),
  m: mute,
  f: () => document.fullscreenElement ? document.exitFullscreen() : $('stage').requestFullscreen?.(),
  '?': () => $('help').showModal(),
  Escape: () => { if (!timeline.giveUp()) select(null); },
};
document.addEventListener('keydown', event => {
  if ($('help').open || event.isComposing) return;
  const target = event.target, typing = target.matches('input:not([type="range"], [type="checkbox"]), select, textarea');
  const key = event.key.length === 1 && event.key !== ' ' ? event.key.toLowerCase() : event.key;
  if ((event.ctrlKey || event.metaKey) && !typing) {
    if (key === 'z') { event.preventDefault(); turnBack(event.shiftKey ? 'redo' : 'undo'); }
    if (key === 'y') { event.preventDefault(); turnBack('redo'); }
    return;
  }
  if (typing) {
    if (event.key === 'Escape') $('timeline').focus({preventScroll: true});
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[key]) return;
  // What the focused control does with the key itself.
  if (target.matches('button, summary, label, [type="checkbox"]') && (key === ' ' || key === 'Enter')) return;
  if (target.matches('[type="range"]') && /^(Arrow|Home|End|Page)/.test(key)) return;
  event.preventDefault();
  keys[key](event);
});
addEventListener('beforeunload', event => { if (edits.unsaved) event.preventDefault(); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { palette.read(); timeline.redraw(); showHistogram(); });

palette.read();
player.listen();
$('videos').hidden = videos.length < 2;
$('score-filter').hidden = !scores.any;
videoList.set(videos, null);
if (videos.length) {
  openVideo(videos[0]);
  setThreshold(filter.threshold, '');
} else {
  document.querySelector('main').textContent = 'No records to show.';
  document.querySelector('aside').hidden = true;
}
new ResizeObserver(showHistogram).observe($('histogram'));
