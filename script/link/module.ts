/** A module as the compiler gave it back: CommonJS, whose `require` calls are still to be answered. */
export interface Module {
  /** Its file, for messages. Nothing of it gets into the script. */
  readonly file: string
  readonly code: string
  /** What each name it requires stands for: the place of a module in the list that is linked. */
  readonly places: ReadonlyMap<string, number>
}

/** What cannot be linked into a script that stands inside a page; the message names the file. */
export class LinkError extends Error {
  override name = 'LinkError'
}

/** A call as the compiler writes it, and any other use of the word that the first group does not catch. */
const REQUIRE = /\brequire\b(?:\("([^"\\\n]+)"\))?/g

/** What the linker does not understand, or what would end the script element early (HTML, 4.12.1.3). */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\bimport\s*\(/, 'loads a module while it runs'],
  [/\bimport\.meta\b/, 'asks for its own address'],
  [/^\s*(?:import|export)\b/m, 'is still an ES module'],
  [/\bmodule\.exports\b/, 'is no ES module'],
  [/<\/script|<!--/i, 'holds text that ends a script element'],
]

/** The names a module requires, each once, in the order of the text. Throws {@link LinkError} on what it does not know. */
export function requiredBy(file: string, code: string): readonly string[] {
  for (const [pattern, reason] of REFUSED) {
    if (pattern.test(code)) throw new LinkError(`${file}: ${reason}`)
  }
  const names = new Set<string>()
  for (const [, name] of code.matchAll(REQUIRE)) {
    if (name === undefined) throw new LinkError(`${file}: requires what is known only while it runs`)
    names.add(name)
  }
  return [...names]
}

/**
 * One classic script of all modules, the first of which is run. Each other runs when it is first required, as it would
 * have under Node.js, so that modules which import one another work. The same modules give the same bytes.
 * Throws {@link LinkError} where a required name has no place.
 */
export function linkModules(modules: readonly Module[]): string {
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

function withPlaces({ file, code, places }: Module): string {
  return code.replaceAll(REQUIRE, (_call, name: string) => {
    const place = places.get(name)
    if (place === undefined) throw new LinkError(`${file}: nothing is known of ${name}`)
    return `require(${place})`
  })
}
