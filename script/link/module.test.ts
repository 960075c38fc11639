// Goal: the linker makes one script of what it understands, the same each time, and refuses everything else by name.
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { LinkError, linkModules, requiredBy } from './module.ts'

const module = (file: string, code: string, places: Readonly<Record<string, number>> = {}) => ({
  file,
  code,
  places: new Map(Object.entries(places)),
})

test('modules run once, when they are first required, and may require one another', () => {
  const script = linkModules([
    module('main', 'const a = require("./a"); const b = require("./b"); seen.push(a.name + b.name())', {
      './a': 1,
      './b': 2,
    }),
    module('a', 'seen.push("a"); exports.name = "A"; const b = require("./b"); exports.late = () => b.name()', {
      './b': 2,
    }),
    module('b', 'seen.push("b"); const a = require("./a"); exports.name = () => "B" + a.name', { './a': 1 }),
  ])
  const seen: string[] = []
  runInNewContext(script, { seen })
  expect(seen).toEqual(['a', 'b', 'ABA'])
  expect(script).not.toMatch(/\brequire\("/)
})

describe('what is not understood is refused, and the file is named', () => {
  test.each([
    ['a module loaded later', 'const x = import("y")'],
    ['its own address', 'x = import.meta.url'],
    ['an ES module', 'import x from "y"'],
    ['exports as a whole', 'module.exports = 1'],
    ['a name that is made', 'require("a" + b)'],
    ['the end of the script', 'const x = "</script>"'],
  ])('%s', (_, code) => {
    expect(() => requiredBy('some/file.js', code)).toThrow(LinkError)
    expect(() => requiredBy('some/file.js', code)).toThrow(/some\/file\.js/)
  })

  test('a name that nothing is known of', () => {
    expect(() => linkModules([module('main', 'require("gone")')])).toThrow(/main: nothing is known of gone/)
  })
})

test('the names that are required, each once', () => {
  expect(requiredBy('x', 'require("b"); require("a"); require("b")')).toEqual(['b', 'a'])
})
