// The script of a page of tal-plot view under Node, with elements that take everything and draw nothing.
// node page_in_node.js PAGE: runs the lines of standard input, each an expression, and prints their values as JSON lines.
'use strict';
const fs = require('fs'), vm = require('vm'), {pathToFileURL} = require('url');
const page = fs.readFileSync(process.argv[2], 'utf8');
const [, data] = page.match(/<script id="data" type="application\/json">(.*?)<\/script>/s), [, script] = page.match(/<script>\n(.*)<\/script>/s);

// Whatever is asked of it is another of its kind, but numbers, lists and texts where the page counts on some.
const anything = own => new Proxy(function () {}, {
  get(target, name) {
    if (name in own) return own[name];
    if (name === Symbol.toPrimitive) return () => 0;
    if (name === 'querySelectorAll') return () => [];
    if (name === 'addEventListener') return (event, act) => (own.heard ??= {}, (own.heard[event] ??= []).push(act));
    if (name === 'getAttribute') return key => own[key] ?? null;
    if (name === 'fire') return event => (own.heard?.[event] ?? []).forEach(act => act({target: own}));
    if (/^(client|offset|natural|scroll)(Width|Height|Top|Left)$/.test(name)) return 0;
    if (typeof name === 'symbol' || name === 'then') return undefined;
    return own[name] = anything({});
  },
  set(target, name, value) { own[name] = value; return true; },
  apply() { return anything({}); },
});
const elements = new Map([['data', {textContent: data}]]);
const document = anything({
  baseURI: pathToFileURL(process.argv[2]).href,
  getElementById: id => elements.get(id) ?? (elements.set(id, anything({value: '', textContent: '', hidden: false})), elements.get(id)),
  activeElement: null, addEventListener() {},
});
const observer = function () { return anything({}); };
const context = vm.createContext({document, window: anything({devicePixelRatio: 1}), devicePixelRatio: 1, innerWidth: 1280, innerHeight: 900, URL, console, setTimeout: () => 0, clearTimeout() {},
  requestAnimationFrame() {}, addEventListener() {}, matchMedia: () => anything({}), getComputedStyle: () => ({color: 'rgb(0,0,0)'}), ResizeObserver: observer, Image: observer});
vm.runInContext(script, context);
for (const line of fs.readFileSync(0, 'utf8').split('\n'))
  if (line) console.log(JSON.stringify(vm.runInContext(line, context) ?? null));
