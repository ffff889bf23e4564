// The labels as files: records, ELAN's and Label Studio's.

// As the annotation of a record: what the page does not know of it is kept.
const annotationOf = s => {
  const object = {...s.source};
  if (s.point) object.at = s.start;
  else object.segment = [s.start, s.end];
  if (s.label !== '' || 'label' in object) object.label = s.label;
  return object;
};

// The record's line: all members byte for byte as they came, but `annotations`, when they are others, and `history` then.
const recordLine = video => {
  const own = video.member('annotations');
  const now = video.changed ? '[' + video.labels.map(s => s.text ?? JSON.stringify(annotationOf(s))).join(',') + ']' : video.truth ?? own;
  const members = video.members.map(([key, text]) => [key, text]);
  const set = (key, text) => {
    const at = members.findIndex(([name]) => name === key);
    if (at >= 0) members[at][1] = text;
    else members.push([key, text]);
  };
  if (now !== undefined && now !== own) {
    set('annotations', now);
    const entry = JSON.stringify({tool: 'tal-plot', version: data.version, args: ['view']}), before = (video.member('history') ?? '[]').trim();
    set('history', before.slice(0, -1) + (/^\[\s*\]$/.test(before) ? '' : ',') + entry + ']');
  }
  return '{' + members.map(([key, text]) => JSON.stringify(key) + ':' + text).join(',') + '}\n';
};

// What ELAN's and Label Studio's files hold and how is that of tal-convert's writers (libtal/formats/elan.cpp,
// label_studio.cpp), which read them back; a test holds both against each other.

// Each thing that a file has otherwise than the page, once, with how often.
class Remarks {
  counts = new Map();
  lost = new Set();
  add(what) { this.counts.set(what, (this.counts.get(what) ?? 0) + 1); }
  // Members of a label beside times and class: those of `held` are texts in the file.
  members(source, held) {
    for (const [name, value] of Object.entries(source))
      if (!['segment', 'at', 'label', 'id'].includes(name) && value !== null && !(held.includes(name) && typeof value !== 'object')) this.lost.add(name);
  }
  text() {
    const said = [...this.counts].map(([what, count]) => `${what} (${count})`);
    if (this.lost.size) said.push('left out: ' + [...this.lost].sort().join(', '));
    return said.join('; ');
  }
}
const isBetween = units => Math.abs(units - Math.round(units)) > 1e-6 * Math.max(1, Math.abs(units));
// A member as a text: a number, true or false as they are written; undefined: it is not there, or another thing.
const memberText = (source, name) => {
  const value = source[name];
  return value === null || value === undefined || typeof value === 'object' ? undefined : String(value);
};
// The medium as a tool is to name it, which is also where the id is read from, unless the file says it.
const mediumOf = video => video.read('media') ?? video.read('path') ?? video.id;
const idKey = 'tal_video';

// What XML 1.0 forbids or advises against becomes U+FFFD.
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g;
const xmlText = text => text.toWellFormed().replace(FORBIDDEN, '\ufffd')
  .replace(/[&<>"\t\n\r]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'}[c] ?? `&#${c.charCodeAt(0)};`));

// A tier for each tier of the labels, subject and annotator; more where labels overlap, which those of one tier must not:
// a property says which tier they are a part of.
const elanTiers = rows => {
  const names = new Set(rows.map(row => row.tier)), tiers = [];
  const key = row => JSON.stringify([row.tier, row.subject, row.annotator]);
  const add = row => {
    let name = row.tier;
    if (tiers.some(t => t.name === name)) for (let k = 2; names.has(name); ++k) name = `${row.tier} ${k}`;
    names.add(name);
    const made = {name, of: row, key: key(row), free: 0, rows: []};
    tiers.push(made);
    return made;
  };
  for (const row of rows) if (!tiers.some(t => t.key === key(row))) add(row);
  for (const row of [...rows].sort((a, b) => a.start - b.start)) {
    const tier = tiers.find(t => t.key === key(row) && t.free <= row.start) ?? add(row);
    tier.free = row.end;
    tier.rows.push(row);
  }
  return tiers;
};

// Milliseconds. ELAN knows no annotation without length: a point lasts one.
const elanDocument = (video, remarks) => {
  const rows = video.labels.map((s, i) => {
    const start = Math.max(0, Math.round(s.start * 1000));
    if (s.start < 0) remarks.add('labels from before 0, which begin at 0');
    if (s.point) remarks.add('points, which last a millisecond');
    else if (isBetween(s.start * 1000) || isBetween(s.end * 1000) || (s.end - s.start) * 1000 < 1) remarks.add('labels with times between two milliseconds, which are rounded');
    remarks.members(s.source, ['tier', 'subject', 'annotator']);
    const text = (member, otherwise) => memberText(s.source, member) ?? otherwise;
    const row = {id: i + 1, label: s.label, start, end: Math.max(start + 1, Math.round(s.end * 1000)),
      tier: text('tier', 'annotations'), subject: text('subject', ''), annotator: text('annotator', '')};
    if ([row.label, row.tier, row.subject, row.annotator].some(t => t.search(FORBIDDEN) >= 0)) remarks.add('labels with control characters, which XML forbids: U+FFFD there');
    return row;
  });
  const tiers = elanTiers(rows);
  const property = (name, value) => `<PROPERTY NAME="${xmlText(name)}">${xmlText(value)}</PROPERTY>`;
  const properties = [property(idKey, video.id), ...video.facts.map(([name, value]) => property(name, value)),
    ...tiers.filter(t => t.name !== t.of.tier).map(t => property('tal_tier:' + t.name, t.of.tier))];
  // ELAN opens the first that is there: the file where it is now, then beside the document. It shows the first picture of
  // a video that starts late at the time 0 of the labels, too.
  const origin = video.start || undefined;
  const address = video.url ? new URL(video.url, document.baseURI).href : video.read('media') ?? video.read('path');
  const beside = video.url && !/^https?:/.test(video.url) ? ` RELATIVE_MEDIA_URL="${xmlText('./' + decodeURIComponent(video.url))}"` : '';
  const media = address === undefined ? '' : `<MEDIA_DESCRIPTOR MEDIA_URL="${xmlText(address)}" MIME_TYPE="${video.sound ? 'audio/x-wav' : 'video/mp4'}"${beside}`
    + (typeof origin === 'number' ? ` TIME_ORIGIN="${Math.round(origin * 1000)}"` : '') + '/>';
  const attribute = (name, value) => value === '' ? '' : ` ${name}="${xmlText(value)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<ANNOTATION_DOCUMENT AUTHOR="tal-plot view" DATE="${new Date().toISOString().slice(0, 19)}+00:00" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">`,
    `<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">${media}${properties.join('')}</HEADER>`,
    '<TIME_ORDER>',
    ...rows.flatMap(row => [`<TIME_SLOT TIME_SLOT_ID="ts${2 * row.id - 1}" TIME_VALUE="${row.start}"/>`, `<TIME_SLOT TIME_SLOT_ID="ts${2 * row.id}" TIME_VALUE="${row.end}"/>`]),
    '</TIME_ORDER>',
    ...(tiers.length ? tiers : [{name: 'annotations', of: {subject: '', annotator: ''}, rows: []}]).flatMap(tier => [
      `<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="${xmlText(tier.name)}"${attribute('PARTICIPANT', tier.of.subject)}${attribute('ANNOTATOR', tier.of.annotator)}>`,
      ...tier.rows.map(row => `<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a${row.id}" TIME_SLOT_REF1="ts${2 * row.id - 1}" TIME_SLOT_REF2="ts${2 * row.id}"><ANNOTATION_VALUE>${xmlText(row.label)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>`),
      '</TIER>']),
    '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>',
    '</ANNOTATION_DOCUMENT>', ''].join('\n');
};

// Timeline ranges are frames that count from 1, both ends included; regions of sound and of series are seconds. Where a
// record states no rate, Label Studio takes 24: data.framerate, for its <Video frameRate="$framerate">, says so.
const LABEL_STUDIO_RATE = 24;
const numberOrText = text => /^(0|[1-9]\d{0,14})$/.test(text) ? +text : text;

// An annotation without its results: whose it is.
const labelStudioHolder = source => {
  const holder = {}, id = memberText(source, 'annotation'), by = memberText(source, 'annotator');
  if (id !== undefined) holder.id = numberOrText(id);
  if (by !== undefined) {
    const name = numberOrText(by);
    if (typeof name === 'number') holder.completed_by = name;
    else if (by.includes('@')) holder.completed_by = {email: by};
    else holder.tal_annotator = by;
  }
  if (source.ground_truth === true) holder.ground_truth = true;
  return holder;
};

// Labels of one id that are alike but for times and class are one result where that has the same classes at all times.
const labelStudioRegions = rows => {
  const drafts = new Map();
  rows.forEach((row, i) => {
    const {segment, at, label, score, ...rest} = row.label.source;
    const key = memberText(rest, 'id') === undefined ? i : JSON.stringify([row.label.point, row.label.label === '', rest]);
    const times = drafts.get(key) ?? drafts.set(key, new Map()).get(key), time = JSON.stringify([row.label.start, row.label.end]);
    if (!times.has(time)) times.set(time, {row, labels: []});
    if (row.label.label !== '') times.get(time).labels.push(row.label.label);
  });
  return [...drafts.values()].flatMap(times => {
    const regions = [];
    for (const {row, labels} of times.values()) {
      const same = row.type === 'timelinelabels' && regions.find(r => JSON.stringify(r.labels) === JSON.stringify(labels));
      if (same) same.times.push(row.label);
      else regions.push({row, labels, times: [row.label]});
    }
    return regions;
  });
};

// Each id names one region: several results have it that are of the same times, and of several tiers or types.
const labelStudioIds = regions => {
  const idOf = region => memberText(region.row.label.source, 'id');
  const stated = new Set(regions.map(idOf)), taken = new Map();
  const free = (stem, number) => {
    while (stated.has(stem + number) || taken.has(stem + number)) ++number;
    return stem + number;
  };
  regions.forEach((region, i) => {
    const {comment, answers, tier, type} = region.row.label.source, own = idOf(region);
    const about = JSON.stringify([comment, answers, region.times.map(t => [t.start, t.end])]), kind = JSON.stringify([tier, type]);
    const known = own === undefined ? undefined : taken.get(own);
    region.answered = known !== undefined && known.about === about && !known.kinds.has(kind);
    if (region.answered) {
      region.id = own;
      known.kinds.add(kind);
      return;
    }
    region.id = own === undefined ? free('a', i + 1) : known ? free(own + '-', 2) : own;
    taken.set(region.id, {about, kinds: new Set([kind])});
  });
};

const areAnswers = list => Array.isArray(list) && list.every(each => each?.value && typeof each.value === 'object' && !Array.isArray(each.value));

const labelStudioTask = (video, remarks) => {
  const fps = video.fps ?? LABEL_STUDIO_RATE;
  let medium = video.sound ? 'audio' : 'video', frames = false;
  const holders = new Map();
  for (const label of video.labels) {
    const {answers, ground_truth, ...source} = label.source;
    const stated = memberText(source, 'type') ?? (medium === 'audio' ? 'labels' : 'timelinelabels');
    const type = ['labels', 'timeserieslabels'].includes(stated) ? stated : 'timelinelabels';
    if (type !== stated) remarks.add('labels of types that Label Studio does not know, which are timelinelabels');
    medium = type === 'timelinelabels' ? 'video' : type === 'labels' ? 'audio' : 'csv';
    remarks.members(source, ['tier', 'type', 'comment', 'channel', 'annotation', 'annotator']);
    if (answers != null && !areAnswers(answers)) remarks.lost.add('answers');
    if (ground_truth != null && typeof ground_truth !== 'boolean') remarks.lost.add('ground_truth');
    const holder = labelStudioHolder(label.source), key = JSON.stringify(holder);
    if (!holders.has(key)) holders.set(key, {holder, rows: []});
    holders.get(key).rows.push({label, type});
  }
  const range = s => {
    const start = Math.round(s.start * fps) + 1, end = Math.max(start, Math.round(s.end * fps));
    if (s.point) remarks.add('points, which last a frame');
    else if (isBetween(s.start * fps) || isBetween(s.end * fps) || Math.round(s.end * fps) < start) remarks.add('labels with times between two frames, which are rounded');
    frames = true;
    return {start, end};
  };
  const resultsOf = rows => {
    const regions = labelStudioRegions(rows);
    labelStudioIds(regions);
    return regions.flatMap(({row: {label, type}, labels, times, id, answered}) => {
      const text = name => memberText(label.source, name), to = type === 'timelinelabels' ? 'video' : type === 'labels' ? 'audio' : 'ts';
      const value = to === 'video' ? {ranges: times.map(range)} : {start: label.start, end: label.end};
      if (to === 'ts') value.instant = label.point;
      if (text('channel') !== undefined) value.channel = numberOrText(text('channel'));
      const made = {id, from_name: text('tier') ?? (to === 'video' ? 'videoLabels' : 'label'), to_name: to, type, value: {...value, [type]: labels}};
      if (text('comment')) made.meta = {text: [text('comment')]};
      const answers = answered || !areAnswers(label.source.answers) ? [] : label.source.answers;
      return [made, ...answers.map(each => ({...each, id, to_name: to, value: {...value, ...each.value}}))];
    });
  };
  const annotations = [...holders.values()].map(({holder, rows}) => ({...holder, result: resultsOf(rows)}));
  if (!annotations.length) annotations.push({result: []});
  const choices = (video.read('classification') ?? []).filter(c => c.score === 1).map(c => c.label);
  if (choices.length) annotations[0].result.push({id: 'choices', from_name: 'choice', to_name: medium === 'csv' ? 'ts' : medium, type: 'choices', value: {choices}});
  if (frames && video.fps === null) remarks.add(`videos without a frame rate, whose frames are counted at ${LABEL_STUDIO_RATE} a second, as Label Studio does`);
  if (frames && video.start) remarks.add('videos that start late in their files, from whose start Label Studio counts');
  const task = {data: {[medium]: mediumOf(video)}};
  if (frames) task.data.framerate = fps;
  if (video.labelled) task.annotations = annotations;
  task.meta = Object.fromEntries([[idKey, video.id], ...video.facts]);
  return task;
};

const fileName = text => text.replace(/[\\/:*?"<>|\0-\x1f]/g, '_').replace(/^\.+/, '_') || 'video';

const exports = {
  records: () => ({name: data.name + '-corrected.jsonl', type: 'application/x-ndjson', text: videos.map(recordLine).join('')}),
  elan: video => {
    const remarks = new Remarks(), text = elanDocument(video, remarks);
    return {name: fileName(video.id) + '.eaf', type: 'application/xml', text, note: remarks.text()};
  },
  labelStudio: () => {
    const remarks = new Remarks(), tasks = videos.map(video => labelStudioTask(video, remarks));
    return {name: data.name + '-label-studio.json', type: 'application/json', text: JSON.stringify(tasks, null, 1) + '\n', note: remarks.text()};
  },
};
