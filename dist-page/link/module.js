export class LinkError extends Error {
  name = 'LinkError'
}
const REQUIRE = /\brequire\b(?:\("([^"\\\n]+)"\))?/g
const REFUSED = [
  [/\bimport\s*\(/, 'loads a module while it runs'],
  [/\bimport\.meta\b/, 'asks for its own address'],
  [/^\s*(?:import|export)\b/m, 'is still an ES module'],
  [/\bmodule\.exports\b/, 'is no ES module'],
  [/<\/script|<!--/i, 'holds text that ends a script element'],
]
export function requiredBy(file, code) {
  for (const [pattern, reason] of REFUSED) {
    if (pattern.test(code)) throw new LinkError(`${file}: ${reason}`)
  }
  const names = new Set()
  for (const [, name] of code.matchAll(REQUIRE)) {
    if (name === undefined) throw new LinkError(`${file}: requires what is known only while it runs`)
    names.add(name)
  }
  return [...names]
}
export function linkModules(modules) {
  const wrapped = modules.map((module) => `(exports, require) => {\n${withPlaces(module)}\n}`)
  return `'use strict';
(() => {
const modules = [
${wrapped.join(',\n')}
];
const loaded = [];
const load = (place) => {
  if (loaded[place] === undefined) {
    loaded[place] = {};
    modules[place](loaded[place], load);
  }
  return loaded[place];
};
load(0);
})();
`
}
function withPlaces({ file, code, places }) {
  return code.replaceAll(REQUIRE, (_call, name) => {
    const place = places.get(name)
    if (place === undefined) throw new LinkError(`${file}: nothing is known of ${name}`)
    return `require(${place})`
  })
}
