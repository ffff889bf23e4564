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
  const now = video.changed ? JSON.stringify(video.labels.map(annotationOf)) : video.truth ?? own;
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

// What XML 1.0 forbids becomes U+FFFD.
const xmlText = text => text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
  .replace(/[&<>"\t\n\r]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'}[c] ?? `&#${c.charCodeAt(0)};`));

// Milliseconds; annotations of one tier must not overlap, so each goes to the first tier that is free. ELAN knows no
// annotation without length: a point lasts a millisecond.
const elanDocument = video => {
  const rows = [...video.labels].sort(inTime).map(s => ({label: s.label, start: Math.round(s.start * 1000), end: Math.max(Math.round(s.start * 1000) + 1, Math.round(s.end * 1000))}));
  const tiers = [], slots = [];
  rows.forEach((row, i) => {
    slots.push(`<TIME_SLOT TIME_SLOT_ID="ts${2 * i + 1}" TIME_VALUE="${row.start}"/>`, `<TIME_SLOT TIME_SLOT_ID="ts${2 * i + 2}" TIME_VALUE="${row.end}"/>`);
    let tier = tiers.find(t => t.end <= row.start);
    if (!tier) tiers.push(tier = {rows: []});
    tier.end = row.end;
    tier.rows.push(`<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a${i + 1}" TIME_SLOT_REF1="ts${2 * i + 1}" TIME_SLOT_REF2="ts${2 * i + 2}"><ANNOTATION_VALUE>${xmlText(row.label)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>`);
  });
  if (!tiers.length) tiers.push({rows: []});
  const media = video.url ? `<MEDIA_DESCRIPTOR MEDIA_URL="${xmlText(new URL(video.url, document.baseURI).href)}" MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL="${xmlText(/^https?:/.test(video.url) ? video.url : './' + decodeURI(video.url))}"/>` : '';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<ANNOTATION_DOCUMENT AUTHOR="tal-plot view" DATE="${new Date().toISOString().slice(0, 19)}+00:00" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">`,
    `<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">${media}</HEADER>`,
    '<TIME_ORDER>', ...slots, '</TIME_ORDER>',
    ...tiers.flatMap((tier, t) => [`<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="annotations${t ? ' ' + (t + 1) : ''}">`, ...tier.rows, '</TIER>']),
    '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>',
    '</ANNOTATION_DOCUMENT>', ''].join('\n');
};

// Timeline ranges are frames that count from 1, both ends included. Where a record states no rate, Label Studio takes 24.
const LABEL_STUDIO_RATE = 24;
const labelStudioTask = (video, i) => {
  const fps = video.fps ?? LABEL_STUDIO_RATE;
  const result = video.labels.map((s, k) => {
    const start = Math.round(s.start * fps) + 1, end = Math.max(start, Math.round(s.end * fps));
    return {id: 's' + (k + 1), type: 'timelinelabels', from_name: 'videoLabels', to_name: 'video', origin: 'manual',
      value: {ranges: [{start, end}], timelinelabels: s.label === '' ? [] : [s.label]}};
  });
  return {id: i + 1, data: {video: video.file || video.id, video_id: video.id, framerate: fps}, annotations: [{id: i + 1, was_cancelled: false, ground_truth: false, result}], predictions: []};
};

const fileName = text => text.replace(/[\\/:*?"<>|\0-\x1f]/g, '_').replace(/^\.+/, '_') || 'video';

const exports = {
  records: () => ({name: data.name + '-corrected.jsonl', type: 'application/x-ndjson', text: videos.map(recordLine).join('')}),
  elan: video => ({name: fileName(video.id) + '.eaf', type: 'application/xml', text: elanDocument(video)}),
  labelStudio: () => {
    const without = videos.filter(v => v.fps === null).length;
    return {name: data.name + '-label-studio.json', type: 'application/json', text: JSON.stringify(videos.map(labelStudioTask), null, 1) + '\n',
      note: without ? `${without} of ${videos.length} records state no frame rate: their frames are counted at ${LABEL_STUDIO_RATE} a second, as Label Studio does` : ''};
  },
};
