// Goal: an included file means the same as in fwknopd, in a fixed order. Each fault names its file, includes are
// bounded, and an unreadable file is reported where it is included.
import { describe, expect, test } from 'vitest'
import { formatFault } from '../../text/fault.ts'
import { readAccess } from './access.ts'
import { INCLUDED_FILES_MAX, INCLUDED_MAX_CHARS, INCLUDE_DEPTH_MAX } from './include.ts'
import type { AccessSource } from './include.ts'

const keys = (name: string): string => `KEY key of ${name}\nHMAC_KEY hmac key of ${name}\n`
const stanza = (name: string, more = ''): string => `SOURCE ANY\n${keys(name)}REQUIRE_USERNAME ${name}\n${more}`

/** Files of a machine, by absolute path; the working directory is /run. */
function source(files: Readonly<Record<string, string>>, read: string[] = []): AccessSource {
  return {
    path: '/etc/fwknop/access.conf',
    resolve: (path) => (path.startsWith('/') ? path : `/run/${path}`),
    text: (path) => {
      read.push(path)
      return files[path] === undefined ? { message: 'no such file' } : { value: files[path] }
    },
    names: (folder) => {
      const inside = Object.keys(files).filter((path) => path.startsWith(`${folder.replace(/\/$/, '')}/`))
      if (inside.length === 0 && folder !== '/empty') return { message: 'no such file', hint: 'make it' }
      return { value: inside.map((path) => path.slice(path.lastIndexOf('/') + 1)).toReversed() }
    },
  }
}

const faultsOf = (text: string, files: Readonly<Record<string, string>>): readonly string[] =>
  readAccess(text, source(files)).faults.map((fault) => formatFault('access.conf', fault))

/** The users of the stanzas, in order, each with its place. */
function users(text: string, files: Readonly<Record<string, string>>): readonly string[] {
  const { stanzas, faults } = readAccess(text, source(files))
  expect(faults.filter(({ severity }) => severity === 'error')).toEqual([])
  return stanzas.map(({ requireUsername, file = 'access.conf', line }) => `${requireUsername.join()} ${file}:${line}`)
}

describe('stanzas', () => {
  test('of an included file or folder come in that place, and the lines after it continue the stanza before', () => {
    const text = `SOURCE ANY\n${keys('first')}%include /a.conf\n%include_folder: /users/; # all of them\nREQUIRE_USERNAME first\n${stanza('last')}`
    const files = {
      '/a.conf': `# a\n${stanza('ann')}`,
      '/users/zoe.conf': stanza('zoe'),
      '/users/bob.conf': stanza('bob'),
    }
    expect(users(text, files)).toEqual([
      'first access.conf:1',
      'ann /a.conf:2',
      'bob /users/bob.conf:1',
      'zoe /users/zoe.conf:1',
      'last access.conf:7',
    ])
  })

  test("of a folder come from files whose names end in .conf, hidden ones too, but not an editor's lock", () => {
    const names = ['a.conf', '.b.conf', 'c.conf~', 'd.conf.bak', 'e.txt', 'fconf', 'G.CONF', '.#a.conf']
    const files = Object.fromEntries(names.map((name) => [`/users/${name}`, stanza(name.replaceAll(/\W/g, ''))]))
    expect(users('%include_folder /users', files)).toEqual(['bconf /users/.b.conf:1', 'aconf /users/a.conf:1'])
  })

  test('of an empty folder are allowed to be missing if there is another stanza, and so are those of an empty file', () => {
    expect(users(`${stanza('ann')}%include_folder /empty\n%include /e`, { '/e': '' })).toEqual(['ann access.conf:1'])
    expect(faultsOf('%include_folder /empty\n', {})[0]).toContain('there is no stanza')
  })

  test('of a file that is included twice count once', () => {
    const text = '%include /users/a.conf\n%include_folder /users\n'
    const files = { '/users/a.conf': stanza('ann') }
    expect(users(text, files)).toEqual(['ann /users/a.conf:1'])
    expect(faultsOf(text, files)).toEqual([
      'access.conf:2:17: warning: %include_folder: /users/a.conf is included already\n    it counts once',
    ])
  })

  test("of a relative path are those below the daemon's working folder, and there is a warning", () => {
    expect(users('%include a.conf', { '/run/a.conf': stanza('ann') })).toEqual(['ann /run/a.conf:1'])
    expect(faultsOf('%include a.conf', { '/run/a.conf': stanza('ann') })[0]).toContain(
      'access.conf:1:10: warning: %include: a relative path, resolved to `/run/a.conf`',
    )
  })
})

describe('keys', () => {
  const text = `SOURCE ANY\nREQUIRE_USERNAME ann\n%include_keys /ann\nOPEN_PORTS tcp/22\n${stanza('bob')}`

  test('in a file of their own are those of the stanza', () => {
    const { stanzas } = readAccess(text, source({ '/ann': `[*] said\n# keys\n${keys('ann')}` }))
    expect(stanzas[0]).toMatchObject({ keyFiles: ['/ann'], openPorts: [{ protocol: 6, port: 22 }] })
    expect(stanzas[0]!.rijndael!.key).toEqual(Uint8Array.from(Buffer.from('key of ann')))
    expect(stanzas[1]).not.toHaveProperty('keyFiles')
  })

  test('are all that such a file may contain: fwknopd ignores the rest', () => {
    expect(faultsOf(text, { '/ann': `${keys('ann')}RESTRICT_PORTS tcp/22\n%include /etc/shadow\n` })).toEqual([
      '/ann:3:1: error: `RESTRICT_PORTS` does not belong in a file of %include_keys\n    fwknopd ignores it there: write it in the stanza',
      '/ann:4:1: error: `%include` does not belong in a file of %include_keys\n    fwknopd ignores it there: write it in the stanza',
    ])
  })

  test('may be in the same file for several stanzas, and need a stanza before them', () => {
    const twice = `SOURCE ANY\n%include_keys /k\nSOURCE ANY\n%include_keys /k\n`
    expect(readAccess(twice, source({ '/k': keys('k') })).stanzas).toHaveLength(2)
    expect(faultsOf('%include_keys /k\n', { '/k': keys('k') })[1]).toContain('is before the first stanza')
  })

  test('in another file are named by their file in faults of the stanza', () => {
    const same = { '/ann': 'KEY one\nHMAC_KEY one\n' }
    expect(faultsOf(text, same)[0]).toContain('/ann:2:1: error: the HMAC key equals the encryption key')
    const replaced = `SOURCE ANY\n${keys('old')}%include_keys /ann\n`
    expect(faultsOf(replaced, { '/ann': keys('ann') })).toEqual([
      '/ann:1:1: warning: `KEY` is already set in access.conf:2\n    delete one of them: fwknopd also uses the last',
      '/ann:2:1: warning: `HMAC_KEY` is already set in access.conf:3\n    delete one of them: fwknopd also uses the last',
    ])
  })
})

describe('bounds', () => {
  test(`files can be included ${INCLUDE_DEPTH_MAX} deep and no deeper`, () => {
    const files = Object.fromEntries(
      [1, 2, 3, 4].map((depth) => [`/${depth}`, stanza(`u${depth}`, `%include /${depth + 1}\n`)]),
    )
    expect(users('%include /1', { ...files, [`/${INCLUDE_DEPTH_MAX}`]: stanza('end') })).toHaveLength(INCLUDE_DEPTH_MAX)
    expect(faultsOf('%include /1', files)).toEqual([
      `/${INCLUDE_DEPTH_MAX}:5:10: error: %include: /${INCLUDE_DEPTH_MAX + 1} is nested too deeply\n    at most ${INCLUDE_DEPTH_MAX} files deep`,
    ])
  })

  test('circles are refused', () => {
    expect(faultsOf(stanza('ann', '%include /etc/fwknop/access.conf\n'), {})[0]).toContain(
      '%include: /etc/fwknop/access.conf includes itself',
    )
    const files = { '/a': stanza('ann', '%include /b\n'), '/b': stanza('bob', '%include /a\n') }
    expect(faultsOf('%include /a', files)).toEqual([
      '/b:5:10: error: %include: /a includes itself\n    through /etc/fwknop/access.conf, /a, /b, /a',
    ])
  })

  test('the number of files and the size of all together are limited', () => {
    const many = Object.fromEntries(Array.from({ length: INCLUDED_FILES_MAX + 1 }, (_, at) => [`/u/${at}.conf`, '#']))
    const read: string[] = []
    const { faults } = readAccess(`${stanza('ann')}%include_folder /u\n`, source(many, read))
    expect(read).toHaveLength(INCLUDED_FILES_MAX)
    expect(faults[0]!.hint).toBe(`at most ${INCLUDED_FILES_MAX} are included`)
    const large = Object.fromEntries([1, 2, 3, 4, 5].map((at) => [`/u/${at}.conf`, '#'.repeat(INCLUDED_MAX_CHARS / 4)]))
    expect(readAccess('%include_folder /u\n', source(large)).faults.map(({ message }) => message)).toContain(
      '%include_folder: /u/5.conf makes the included files too large',
    )
  })
})

test('an unreadable file is reported where it is included, and then no stanza is used', () => {
  const text = `${stanza('ann')}%include /none\n%include_folder /nowhere\n%include \u0007\n`
  expect(faultsOf(text, {})).toEqual([
    'access.conf:5:10: error: %include: /none no such file',
    'access.conf:6:17: error: %include_folder: /nowhere no such file\n    make it',
    'access.conf:7:10: error: %include: `<U+0007>` is not a path\n    as in `/etc/fwknop/users/alice.conf`',
  ])
  expect(readAccess(text, source({})).stanzas).toEqual([])
})
