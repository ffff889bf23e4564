// The timeline: an overview of the whole video, thumbnails and a ruler above, rows by class below. Drawn on two canvases,
// of which the lower one is as high as what is seen of the rows, whatever their number.

const OVERVIEW = 22, RULER = 22, THUMBNAILS = 50;  // heights, pixels
const NAME = 17, LABEL_LANE = 19, FOUND_LANE = 15, BAND = 66, GAP = 5;
const MOST_LANES = 6;  // where more overlap, height is the score
const EDGE = 6;        // pixels beside an edge that take it
const ZOOM_TO = 0.5;   // seconds, the least that the timeline shows

const palette = {
  read() {
    const probe = document.createElement('span');
    document.body.append(probe);
    const value = name => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
    for (const name of ['paper', 'panel', 'text', 'muted', 'line']) this[name] = value(name);
    this.series = Array.from({length: COLOURS}, (_, i) => value('s' + i));
    probe.remove();
  },
  of(label) { return this.series[colourOf(label)]; },
};

// Steps of a ruler with about `count` marks in `span` seconds.
const niceStep = (span, count) => {
  const least = span / count;
  if (least > 1) for (const s of [2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400]) if (s >= least) return s;
  const m = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find(f => f * m >= least * (1 - 1e-9)) * m;
};

// Puts segments in lanes in which none overlap.
const packed = segments => {
  const ends = [];
  return segments.sort(inTime).map(segment => {
    let lane = ends.findIndex(end => end <= segment.start);
    if (lane < 0) lane = ends.push(0) - 1;
    ends[lane] = segment.point ? segment.end + 1e-9 : segment.end;
    return {segment, lane, lanes: 0};
  });
};

// Rows of the video's shown segments: classes of labels in order of time, then those only found, best first.
const layOut = (video, narrow) => {
  const rows = new Map(), best = new Map();
  const labels = shownLabels(video), found = shownFound(video);
  for (const s of found) best.set(s.label, Math.max(best.get(s.label) ?? -Infinity, s.score ?? Infinity));
  for (const s of [...labels].sort(inTime)) rows.set(s.label, null);
  for (const [label] of [...best].sort((a, b) => b[1] - a[1])) rows.set(label, null);
  for (const label of rows.keys()) rows.set(label, {label, labels: [], found: []});
  for (const s of labels) rows.get(s.label).labels.push(s);
  for (const s of found) rows.get(s.label).found.push(s);

  const boxes = [];
  let y = 0;
  for (const row of rows.values()) {
    row.y = y;
    y += GAP + (narrow ? NAME : 0);
    const add = (list, height) => {
      const placed = packed(list), lanes = placed.reduce((most, p) => Math.max(most, p.lane + 1), 0);
      const crowded = height === FOUND_LANE && lanes > MOST_LANES;
      if (crowded) placed.sort((a, b) => (a.segment.score ?? Infinity) - (b.segment.score ?? Infinity));  // the best on top
      for (const p of placed)
        boxes.push(crowded ? {segment: p.segment, y: y + (1 - strength(p.segment.score)) * (BAND - 7) + 1, h: 5, band: true}
          : {segment: p.segment, y: y + p.lane * height + 1, h: height - 3, band: false});
      if (crowded) row.band = {y, h: BAND};
      y += crowded ? BAND : lanes * height;
    };
    add(row.labels, LABEL_LANE);
    add(row.found, FOUND_LANE);
    y += GAP;
    row.h = y - row.y;
  }
  return {rows: [...rows.values()], boxes, height: y};
};

// on: seek(time), select(segment), edit(old, now), tip(segment, event), view().
class Timeline {
  constructor(on) {
    this.on = on;
    this.host = document.getElementById('timeline');
    this.scroller = document.getElementById('rows');
    this.size = document.getElementById('rows-size');
    this.lanes = document.getElementById('lanes');
    this.ruler = document.getElementById('ruler');
    this.playhead = document.getElementById('playhead');
    this.selected = null;
    this.preview = null;
    this.drag = null;
    this.time = 0;
    this.fingers = new Map();
    new ResizeObserver(() => this.refresh()).observe(this.host);
    this.scroller.addEventListener('scroll', () => this.redraw());
    for (const canvas of [this.ruler, this.lanes]) {
      canvas.addEventListener('pointerdown', event => this.press(event, canvas));
      canvas.addEventListener('pointermove', event => this.move(event, canvas));
      canvas.addEventListener('pointerup', event => this.release(event));
      canvas.addEventListener('pointercancel', event => { this.fingers.delete(event.pointerId); this.giveUp(); });
      canvas.addEventListener('pointerleave', event => this.on.tip(null, event));
      canvas.addEventListener('dblclick', event => { const box = this.hit(event); if (box && canvas === this.lanes) this.on.play(box.segment); });
    }
    this.host.addEventListener('wheel', event => this.wheel(event), {passive: false});
  }

  setVideo(video) {
    this.video = video;
    this.selected = this.preview = this.drag = null;
    this.from = 0;
    this.to = video.length;
    this.thumbnails = video.thumbnails.map(([time, url]) => ({time, url, image: null}));
    this.scroller.scrollTop = 0;
    this.refresh();
  }

  // After a change of what is shown.
  refresh() {
    if (!this.video) return;
    this.width = this.host.clientWidth;
    this.narrow = this.width < 640;
    this.gutter = this.narrow ? 0 : 150;
    this.layout = layOut(this.video, this.narrow);
    this.thumbs = this.thumbnails.length ? THUMBNAILS : 0;
    this.rulerHeight = OVERVIEW + this.thumbs + RULER;
    this.size.style.height = this.layout.height + 'px';
    this.seen = Math.min(this.layout.height, this.scroller.clientHeight);
    this.barWidth = this.host.clientWidth - this.scroller.clientWidth;  // of a scroll bar
    this.plot = Math.max(40, this.width - this.gutter - Math.max(this.barWidth, 0) - 1);
    this.redraw();
  }

  redraw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  x(time) { return this.gutter + (time - this.from) / (this.to - this.from) * this.plot; }
  at(x) { return this.from + (x - this.gutter) / this.plot * (this.to - this.from); }
  overviewX(time) { return this.gutter + time / this.video.length * this.plot; }
  get zoomed() { return this.to - this.from < this.video.length * (1 - 1e-9); }

  setView(from, to) {
    const span = Math.min(Math.max(to - from, Math.min(ZOOM_TO, this.video.length)), this.video.length);
    this.from = Math.min(Math.max(from, 0), this.video.length - span);
    this.to = this.from + span;
    this.redraw();
    this.on.view();
  }
  zoom(factor, at = this.time >= this.from && this.time <= this.to ? this.time : (this.from + this.to) / 2) {
    const span = Math.max(ZOOM_TO, (this.to - this.from) / factor), part = (at - this.from) / (this.to - this.from);
    this.setView(at - part * span, at + (1 - part) * span);
  }
  showAll() { this.setView(0, this.video.length); }
  // Scrolls so that these seconds are seen.
  reveal(start, end = start) {
    const span = this.to - this.from;
    if (start < this.from || end > this.to) {
      if (end - start > span * 0.8) this.setView(start - (end - start) * 0.2, end + (end - start) * 0.2);
      else this.setView(start - (span - (end - start)) / 2, start + (span + (end - start)) / 2);
    }
    const box = this.selected && this.layout.boxes.find(b => b.segment === this.selected);
    if (box && (box.y < this.scroller.scrollTop || box.y + box.h > this.scroller.scrollTop + this.seen))
      this.scroller.scrollTop = box.y - this.seen / 2;
  }

  setTime(time, follow) {
    this.time = time;
    // While it plays, the view turns its page; a hand on the timeline stops that.
    if (follow && !this.drag && this.zoomed && (time > this.to || time < this.from)) {
      const span = this.to - this.from;
      this.setView(time - span * 0.05, time + span * 0.95);
    }
    this.placePlayhead();
  }
  placePlayhead() {
    const x = this.x(this.time);
    this.playhead.style.left = x + 'px';
    this.playhead.hidden = x < this.gutter - 1 || x > this.gutter + this.plot + 1;
  }

  select(segment) { this.selected = segment; this.redraw(); }

  // ----- drawing

  context(canvas, width, height) {
    const scale = window.devicePixelRatio || 1, w = Math.round(width * scale), h = Math.round(height * scale);
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    canvas.style.height = height + 'px';
    canvas.style.width = width + 'px';
    const c = canvas.getContext('2d');
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, height);
    c.textBaseline = 'middle';
    return c;
  }

  ticks() {
    const step = niceStep(this.to - this.from, Math.max(2, this.plot / 90)), out = [];
    const digits = Math.min(3, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
    for (let i = Math.ceil(this.from / step - 1e-9); i * step <= this.to * (1 + 1e-12); ++i) out.push({time: i * step, text: clockText(i * step, digits)});
    return out;
  }

  draw() {
    if (!this.video) return;
    this.drawRuler();
    this.drawLanes();
    this.placePlayhead();
  }

  drawRuler() {
    const c = this.context(this.ruler, this.width, this.rulerHeight), p = palette, video = this.video;
    c.fillStyle = p.paper;
    c.fillRect(0, 0, this.width, this.rulerHeight);
    c.save();
    c.beginPath();
    c.rect(this.gutter, 0, this.plot, this.rulerHeight);
    c.clip();
    // The whole video: labels above, found below.
    const mark = (s, y, h, alpha) => {
      const x = this.overviewX(s.start);
      c.globalAlpha = alpha;
      c.fillStyle = p.of(s.label);
      c.fillRect(x, y, Math.max(1.5, this.overviewX(s.end) - x), h);
    };
    for (const s of shownFound(video)) mark(s, 12, 7, 0.15 + 0.6 * strength(s.score));
    for (const s of shownLabels(video)) mark(s, 3, 7, 1);
    c.globalAlpha = 1;
    if (this.zoomed) {
      const a = this.overviewX(this.from), b = this.overviewX(this.to);
      c.fillStyle = p.paper;
      c.globalAlpha = 0.65;
      c.fillRect(this.gutter, 0, a - this.gutter, OVERVIEW);
      c.fillRect(b, 0, this.gutter + this.plot - b, OVERVIEW);
      c.globalAlpha = 1;
      c.strokeStyle = p.muted;
      c.strokeRect(a + 0.5, 1.5, Math.max(2, b - a - 1), OVERVIEW - 3);
    }
    if (this.thumbs) this.drawThumbnails(c, OVERVIEW);
    // The ruler.
    const y = OVERVIEW + this.thumbs;
    c.font = '12px system-ui, sans-serif';
    c.fillStyle = p.muted;
    c.strokeStyle = p.line;
    c.textAlign = 'left';
    for (const {time, text} of this.ticks()) {
      const x = Math.round(this.x(time)) + 0.5;
      c.beginPath();
      c.moveTo(x, y + 4);
      c.lineTo(x, y + RULER);
      c.stroke();
      c.fillText(text, x + 4, y + RULER / 2 + 1);
    }
    c.restore();
    if (this.gutter) {
      c.font = '11px system-ui, sans-serif';
      c.fillStyle = p.muted;
      c.textAlign = 'left';
      c.fillText('whole video', 10, OVERVIEW / 2);
    }
  }

  // Side by side from the view's left edge, each the nearest in time to its middle.
  drawThumbnails(c, y) {
    const first = this.thumbnails[0], height = this.thumbs - 4;
    if (!this.load(first)) return;
    const wide = Math.max(20, height * first.image.naturalWidth / first.image.naturalHeight);
    for (let x = this.gutter; x < this.gutter + this.plot; x += wide) {
      const time = this.at(x + wide / 2);
      let best = first;
      for (const one of this.thumbnails) if (Math.abs(one.time - time) < Math.abs(best.time - time)) best = one;
      if (this.load(best)) c.drawImage(best.image, x, y + 2, wide, height);
    }
  }
  load(thumbnail) {
    if (!thumbnail.image) {
      thumbnail.image = new Image();
      thumbnail.image.onload = () => this.redraw();
      thumbnail.image.src = thumbnail.url;
    }
    return thumbnail.image.complete && thumbnail.image.naturalWidth > 0;
  }

  drawLanes() {
    const top = this.scroller.scrollTop, p = palette;
    const c = this.context(this.lanes, this.width - Math.max(this.barWidth, 0), Math.max(1, this.seen));
    c.save();
    c.translate(0, -top);
    const inside = (y, h) => y + h >= top && y <= top + this.seen;
    c.strokeStyle = p.line;
    c.lineWidth = 1;
    c.globalAlpha = 0.7;
    for (const {time} of this.ticks()) {
      const x = Math.round(this.x(time)) + 0.5;
      if (x < this.gutter) continue;
      c.beginPath();
      c.moveTo(x, top);
      c.lineTo(x, top + this.seen);
      c.stroke();
    }
    c.globalAlpha = 1;
    for (const row of this.layout.rows) if (inside(row.y, row.h)) this.drawRow(c, row);
    c.save();
    c.beginPath();
    c.rect(this.gutter, top, this.plot, this.seen);
    c.clip();
    let chosen = null;
    for (const box of this.layout.boxes) {
      if (!inside(box.y, box.h)) continue;
      if (box.segment === this.selected) chosen = box;
      else this.drawBox(c, box, box.segment);
    }
    if (chosen) this.drawBox(c, chosen, this.preview ?? chosen.segment, true);
    c.restore();
    c.restore();
  }

  drawRow(c, row) {
    const p = palette;
    c.strokeStyle = p.line;
    c.beginPath();
    c.moveTo(0, row.y + row.h - 0.5);
    c.lineTo(this.width, row.y + row.h - 0.5);
    c.stroke();
    const room = (this.gutter || this.width) - 32, y = row.y + GAP + (this.narrow ? NAME / 2 - 2 : LABEL_LANE / 2 - 1);
    c.fillStyle = p.of(row.label);
    c.beginPath();
    c.roundRect(10, y - 4, 8, 8, 2.5);
    c.fill();
    c.font = '13px system-ui, sans-serif';
    c.fillStyle = p.text;
    c.textAlign = 'left';
    c.fillText(this.fit(c, className(row.label), room), 24, y);
    if (row.band && this.gutter) {
      c.font = '11px system-ui, sans-serif';
      c.fillStyle = p.muted;
      c.textAlign = 'right';
      c.fillText('score ' + scoreText(scores.high), this.gutter - 6, row.band.y + 6 + (row.labels.length ? 0 : NAME));
      c.fillText(scoreText(scores.low), this.gutter - 6, row.band.y + row.band.h - 5);
    }
  }

  fit(c, text, room) {
    if (c.measureText(text).width <= room) return text;
    let low = 0, high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (c.measureText(text.slice(0, middle).trimEnd() + '…').width <= room) low = middle;
      else high = middle - 1;
    }
    return text.slice(0, low).trimEnd() + '…';
  }

  drawBox(c, box, segment, selected = false) {
    const p = palette, x = this.x(segment.start), w = Math.max(2, this.x(segment.end) - x);
    if (x > this.gutter + this.plot + 4 || x + w < this.gutter - 4) return;
    const colour = p.of(segment.label), full = segment.kind === 'label' || this.preview === segment;
    c.fillStyle = c.strokeStyle = colour;
    if (segment.point) {
      const y = box.y + box.h / 2, r = Math.min(6, box.h / 2);
      c.beginPath();
      c.moveTo(x, y - r);
      c.lineTo(x + r, y);
      c.lineTo(x, y + r);
      c.lineTo(x - r, y);
      c.closePath();
      c.globalAlpha = full ? 1 : 0.25 + 0.75 * strength(segment.score);
      c.fill();
      c.globalAlpha = 1;
      c.stroke();
    } else {
      const radius = Math.min(3, w / 2, box.h / 2);
      c.beginPath();
      c.roundRect(x, box.y, w, box.h, radius);
      c.globalAlpha = full ? 1 : box.band ? 0.6 : 0.12 + 0.68 * strength(segment.score);
      c.fill();
      c.globalAlpha = 1;
      if (!full && !box.band && w > 3) {
        c.beginPath();
        c.roundRect(x + 0.5, box.y + 0.5, w - 1, box.h - 1, radius);
        c.stroke();
      }
      if (!full && !box.band && w > 24) {
        c.font = '11px system-ui, sans-serif';
        c.fillStyle = p.text;
        c.textAlign = 'left';
        const from = Math.max(x, this.gutter);
        const text = scoreText(segment.score);
        const left = from + (selected ? 9 : 5);  // behind the handle
        if (x + w - left > c.measureText(text).width + 4) c.fillText(text, left, box.y + box.h / 2 + 0.5);
      }
    }
    if (!selected) return;
    c.strokeStyle = p.text;
    c.lineWidth = 2;
    c.beginPath();
    c.roundRect(x - 1.5, box.y - 1, w + 3, box.h + 2, 4);
    c.stroke();
    c.lineWidth = 1;
    if (w > 14 && !segment.point) {
      c.fillStyle = full ? p.paper : p.text;
      for (const edge of [x + 3, x + w - 5]) c.fillRect(edge, box.y + box.h / 2 - 3.5, 2, 7);
    }
  }

  // ----- the pointer

  place(event) {
    const canvas = event.target === this.ruler ? this.ruler : this.lanes, r = canvas.getBoundingClientRect();
    return {x: event.clientX - r.left, y: event.clientY - r.top + (canvas === this.lanes ? this.scroller.scrollTop : 0), ruler: canvas === this.ruler};
  }
  // Of the boxes under the pointer the selected one, else the one on top.
  hit(event) {
    const {x, y, ruler} = this.place(event);
    if (ruler || x < this.gutter - EDGE) return null;
    let found = null;
    for (const box of this.layout.boxes) {
      const a = this.x(box.segment.start), b = Math.max(a + 2, this.x(box.segment.end)), slack = box.segment.point ? 6 : 4;
      if (x < a - slack || x > b + slack || y < box.y - 1.5 || y > box.y + box.h + 1.5) continue;
      if (box.segment === this.selected) return box;
      found = box;
    }
    return found;
  }
  // Which part of a box: "start", "end" or "body".
  part(box, event) {
    const {x} = this.place(event), a = this.x(box.segment.start), b = Math.max(a + 2, this.x(box.segment.end));
    if (box.segment.point) return 'body';
    const reach = Math.min(EDGE, Math.max(2, (b - a) / 3));
    if (x <= a + reach && a >= this.gutter - EDGE) return 'start';
    return x >= b - reach ? 'end' : 'body';
  }

  press(event, canvas) {
    if (event.button !== 0) return;
    this.host.focus({preventScroll: true});
    this.fingers.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    this.on.tip(null, event);
    const {x, y, ruler} = this.place(event);
    if (this.fingers.size === 2) return this.giveUp();
    if (ruler) {
      this.drag = {mode: y < OVERVIEW ? 'overview' : 'scrub'};
      return this.scrub(x);
    }
    const box = this.hit(event), part = box && this.part(box, event), mine = box && box.segment === this.selected;
    const takes = box && (event.pointerType === 'mouse' ? part !== 'body' || mine : mine);
    this.drag = {mode: takes ? part : 'pan', pressed: true, box, x, time: this.at(x), playhead: this.time, from: this.from, to: this.to};
  }

  scrub(x) {
    const time = this.drag.mode === 'overview' ? (x - this.gutter) / this.plot * this.video.length : this.at(x);
    const t = Math.min(Math.max(time, 0), this.video.length);
    this.on.seek(t);
    if (this.drag.mode === 'overview' && this.zoomed) {
      const span = this.to - this.from;
      this.setView(t - span / 2, t + span / 2);
    }
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (this.fingers.size === 2 && before) return this.pinch(event, before);
    const drag = this.drag;
    if (!drag) return this.hover(event);
    const {x} = this.place(event);
    if (drag.mode === 'overview' || drag.mode === 'scrub') return this.scrub(x);
    if (drag.pressed && Math.abs(x - drag.x) < 3) return;
    drag.pressed = false;
    if (drag.mode === 'pan') {
      const shift = (drag.x - x) / this.plot * (drag.to - drag.from);
      return this.setView(drag.from + shift, drag.to + shift);
    }
    const old = drag.box.segment;
    if (this.selected !== old) this.on.select(old);
    let moved = this.at(x) - drag.time;
    // Where the playhead stood draws an edge to it.
    const near = edge => !event.altKey && Math.abs(this.x(edge + moved) - this.x(drag.playhead)) < 5;
    const change = {};
    if (drag.mode !== 'end') { if (near(old.start)) moved = drag.playhead - old.start; }
    if (drag.mode !== 'start') { if (near(old.end)) moved = drag.playhead - old.end; }
    if (drag.mode === 'body') moved = Math.min(Math.max(moved, -old.start), this.video.known ? this.video.length - old.end : Infinity);
    if (drag.mode !== 'end') change.start = old.start + moved;
    if (drag.mode !== 'start') change.end = old.end + moved;
    if (drag.mode === 'start') change.start = Math.min(change.start, old.end - SHORTEST);
    if (drag.mode === 'end') change.end = Math.max(change.end, old.start + SHORTEST);
    this.preview = corrected(this.video, old, change);
    this.on.preview(this.preview, event);
    this.redraw();
  }

  release(event) {
    this.fingers.delete(event.pointerId);
    const drag = this.drag, preview = this.preview;
    this.drag = this.preview = null;
    if (!drag) return;
    if (preview) {
      this.on.tip(null, event);
      return this.on.edit(drag.box.segment, preview);
    }
    if (!drag.pressed) return;
    this.on.select(drag.box ? drag.box.segment : null);
    if (drag.x >= this.gutter) this.on.seek(Math.min(Math.max(drag.time, 0), this.video.length));
  }

  giveUp() {
    const was = this.preview !== null;
    this.drag = this.preview = null;
    this.redraw();
    return was;
  }

  pinch(event, before) {
    const [other] = [...this.fingers.values()].filter(e => e.pointerId !== event.pointerId);
    const rect = this.lanes.getBoundingClientRect();
    const spread = e => Math.abs(e.clientX - other.clientX) + 20;
    const middle = (event.clientX + other.clientX) / 2 - rect.left;
    this.fingers.set(event.pointerId, event);
    this.zoom(spread(event) / spread(before), this.at(middle));
  }

  hover(event) {
    const box = this.hit(event), part = box && this.part(box, event);
    const {x, y, ruler} = this.place(event);
    event.target.style.cursor = ruler ? (x < this.gutter ? 'default' : 'pointer') : !box ? (this.zoomed && x > this.gutter ? 'grab' : 'default')
      : part !== 'body' ? 'ew-resize' : box.segment === this.selected ? 'move' : 'pointer';
    if (!box && !ruler && x < this.gutter) {
      const row = this.layout.rows.find(r => y >= r.y && y < r.y + r.h);
      return this.on.tip(row ? className(row.label) : null, event);
    }
    this.on.tip(box && box.segment, event);
  }

  wheel(event) {
    const x = event.clientX - this.host.getBoundingClientRect().left;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), this.at(Math.max(this.gutter, x)));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const shift = (event.deltaX || event.deltaY) / this.plot * (this.to - this.from);
      this.setView(this.from + shift, this.to + shift);
    }
  }

  // Where a segment is drawn, in the page's pixels; null when its row is not seen. For tests and scripts.
  boxOf(segment) {
    const box = this.layout.boxes.find(b => b.segment === segment), r = this.lanes.getBoundingClientRect();
    if (!box) return null;
    const top = r.top + box.y - this.scroller.scrollTop;
    return {left: r.left + this.x(segment.start), right: r.left + Math.max(this.x(segment.start) + 2, this.x(segment.end)), top, bottom: top + box.h};
  }
}
