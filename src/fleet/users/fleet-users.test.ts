// Goal: a host has the users that an operator signed, all of one version or none of it, whatever anybody writes to
// etcd. It logs what changed, and why something is refused.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FleetHost, KEYSPACE, MemoryEtcd, PLACE, SEAL, signed, soon } from '../../../test/fleet/users.ts'
import { realDisk } from '../../state/disk.ts'
import { systemError } from '../../state/disk-fake.ts'
import { PartSeal } from './sealed-part.ts'
import { realFolderDisk } from './users-folder.ts'
import type { FleetUsersDeps } from './fleet-users.ts'

const SSH = '[ssh]\nUsers = USERS/ssh.users\nOpen_Ports = tcp/22\n'
const LIST = '[list]\nOne_Time_Sequences = USERS/ssh.list\nOpen_Ports = tcp/22\n'
const USERS = 'alice 7431,8020,6001\nbob 7431,8020,6002\n'

const hosts: FleetHost[] = []
function host(
  doors = SSH,
  more: Partial<FleetUsersDeps> = {},
  ...rest: [state?: string, etcd?: MemoryEtcd]
): FleetHost {
  const made = new FleetHost(doors, more, ...rest)
  hosts.push(made)
  return made
}
afterEach(() => {
  for (const each of hosts.splice(0)) {
    each.users.close()
    rmSync(dirname(each.state), { recursive: true, force: true })
  }
})

/** The disk of a host, whose steps a test can watch or make fail. */
function disk(before: (step: string, path: string) => void): NonNullable<FleetUsersDeps['disk']> {
  return {
    ...realDisk,
    ...realFolderDisk,
    create: async (path) => {
      before('create', path)
      const file = await realDisk.create(path)
      return {
        ...file,
        write: async (bytes, at) => {
          before('write', path)
          await file.write(bytes, at)
        },
        sync: async () => {
          before('sync', path)
          await file.sync()
        },
      }
    },
    link: async (path, name) => {
      before('link', name)
      await realDisk.link(path, name)
    },
    syncFolder: async (path) => {
      before('syncFolder', path)
      await realDisk.syncFolder(path)
    },
    rename: async (path, name) => {
      before('rename', name)
      await realDisk.rename(path, name)
    },
    mkdir: (path) => {
      before('mkdir', path)
      realFolderDisk.mkdir(path)
    },
    symlink: (target, path) => {
      before('symlink', path)
      realFolderDisk.symlink(target, path)
    },
    replace: (path, name) => {
      before('replace', name)
      realFolderDisk.replace(path, name)
    },
    remove: async (path) => {
      before('remove', path)
      await realFolderDisk.remove(path)
    },
  }
}

describe('a pushed version', () => {
  test('is in force and private, and the log names the users added and removed, without secrets', async () => {
    const one = host()
    await one.push(1, { 'ssh.users': USERS, 'notes.txt': 'anything\n' })
    expect(one.text('ssh.users')).toBe(USERS)
    expect(one.text('notes.txt')).toBe('anything\n')
    expect(statSync(one.path('ssh.users')).mode & 0o777).toBe(0o600)
    expect(statSync(one.path('.')).mode & 0o777).toBe(0o700)
    expect(one.refreshed).toEqual([USERS])
    const next = 'bob 7431,8020,6003\ncarol 7431,8020,6004\n'
    await one.push(2, { 'ssh.users': next, 'notes.txt': 'anything\n' }, 'bob')
    expect(one.refreshed).toEqual([USERS, next])
    expect(one.lines).toContain('notice: the users of the fleet: ssh.users: added carol; changed bob; removed alice')
    expect(one.lines).toContain('notice: the users of the fleet: version 2, signed by bob, is in force')
    expect(one.lines.join('\n')).not.toMatch(/7431|600[1-4]/)
  })

  test('is fetched only where it is new', async () => {
    const one = host()
    const lines = Array.from({ length: 10_000 }, (_, at) => `user${at} 7431,8020,${1024 + at},${(at % 7) + 5000}\n`)
    await one.push(1, { 'ssh.users': lines.join('') })
    expect(one.etcd.asked.length).toBeGreaterThan(3)
    one.etcd.asked = []
    const left = lines.toSpliced(5_000, 1).join('')
    await one.push(2, { 'ssh.users': left })
    expect(one.text('ssh.users')).toBe(left)
    expect(one.etcd.asked.length).toBeLessThanOrEqual(2)
  })

  test('leaves the version before it, and no older one', async () => {
    const one = host()
    for (const version of [1, 2, 5])
      await one.push(version, { 'ssh.users': USERS.repeat(1).replace('6001', `60${version}1`) })
    await soon(() => expect(readdirSync(one.state).sort()).toEqual(['users-2', 'users-5', 'users.d', 'users.signed']))
  })

  test('is in force after a restart without etcd, and the doors have their users before etcd answers', async () => {
    const one = host()
    await one.push(3, { 'ssh.users': USERS })
    one.etcd.away = 'no majority of etcd answers'
    one.restart()
    expect(one.users.status).toMatchObject({ version: 3, by: 'alice' })
    expect(one.text('ssh.users')).toBe(USERS)
  })

  test('is missing before the first push: there is no folder, and that is logged', () => {
    const one = host()
    expect(existsSync(one.path('.'))).toBe(false)
    expect(one.lines).toEqual([
      'notice: the users of the fleet: there are none yet: `postern fleet push` puts them into etcd',
    ])
  })

  test('stays in force if it is deleted in etcd, and that is logged', async () => {
    const one = host()
    await one.push(3, { 'ssh.users': USERS })
    one.users.changed([{ type: 'delete', kv: { key: PLACE, value: '', modRevision: '2' } }])
    expect(one.text('ssh.users')).toBe(USERS)
    expect(one.lines.at(-1)).toContain('they were deleted from etcd\nversion 3 stays in force')
  })
})

const documentOf = (files: unknown, version: unknown = 2): string => signed({ version, files })

describe('refused, and the previous version stays', () => {
  const good = { 'ssh.users': USERS }
  const part = { id: SEAL.idOf(Buffer.from('x')), bytes: 1 }
  const cases: readonly (readonly [string, (etcd: MemoryEtcd) => string, RegExp])[] = [
    [
      'signed by somebody who is not an operator',
      (etcd) => etcd.push(2, good, 'mallory'),
      /signed by somebody who may not/,
    ],
    [
      'signed for another place',
      () => signed({ version: 2, files: [] }, 'alice', '/postern/other/doc/users'),
      /signature is wrong/,
    ],
    [
      'changed after it was signed',
      (etcd) => etcd.push(2, good).replace('ssh.users', 'ssx.users'),
      /signature is wrong/,
    ],
    ['cut', (etcd) => etcd.push(2, good).slice(0, -9), /not a signed text/],
    ['no document', () => signed({ hosts: [] }), /content cannot be read/],
    ['a path that leads elsewhere', () => documentOf([{ name: '../x', parts: [] }]), /content cannot be read/],
    ['an absolute path', () => documentOf([{ name: '/etc/passwd', parts: [] }]), /content cannot be read/],
    ['a hidden file', () => documentOf([{ name: '.x', parts: [] }]), /content cannot be read/],
    ['a folder in between', () => documentOf([{ name: 'a/b', parts: [] }]), /content cannot be read/],
    ['a NUL', () => documentOf([{ name: 'a\0b', parts: [] }]), /content cannot be read/],
    [
      'a name twice',
      () =>
        documentOf([
          { name: 'a', parts: [] },
          { name: 'a', parts: [] },
        ]),
      /content cannot be read/,
    ],
    [
      'a file that is a folder, too',
      () =>
        documentOf([
          { name: 'a', parts: [] },
          { name: 'a/b/c', parts: [] },
        ]),
      /content cannot be read/,
    ],
    [
      'too many files',
      () => documentOf(Array.from({ length: 1_201 }, (_, at) => ({ name: `f${at}`, parts: [] }))),
      /content cannot be read/,
    ],
    [
      'too many bytes',
      () => documentOf([{ name: 'a', parts: Array.from({ length: 65 }, () => ({ ...part, bytes: 262_144 })) }]),
      /content cannot be read/,
    ],
    [
      'a part that is too large',
      () => documentOf([{ name: 'a', parts: [{ ...part, bytes: 262_145 }] }]),
      /content cannot be read/,
    ],
    ['no version', () => documentOf([], '2'), /content cannot be read/],
    [
      'a faulty line',
      (etcd) => etcd.push(2, { 'ssh.users': `${USERS}carol 7431,x\n` }),
      /ssh\.users:3:\d+: error: [^\n]+/,
    ],
    ['a faulty file that no door here reads', (etcd) => etcd.push(2, { ...good, 'vpn.users': 'x\n' }), /vpn\.users:1:/],
    [
      'without a file that a door reads',
      (etcd) => etcd.push(2, { 'other.users': USERS }),
      /ssh\.users: is not there any more, and door ssh/,
    ],
    ['a folder for a file', (etcd) => etcd.push(2, { 'ssh.users/bob/x': USERS }), /this is a folder/],
    [
      'parts under another key',
      (etcd) => etcd.push(2, { 'ssh.users': 'carol 7,8,9\n' }, 'alice', new PartSeal(Buffer.alloc(32), 'home')),
      /under another key/,
    ],
  ]
  test.each(cases)('%s', async (_, textOf, reason) => {
    const one = host()
    await one.push(1, good)
    await one.tell(textOf(one.etcd))
    expect(one.text('ssh.users')).toBe(USERS)
    expect(one.users.status.version).toBe(1)
    expect(one.users.status.refused).toMatch(reason)
    expect(one.lines.at(-1)).toMatch(
      /^error: the users of the fleet: a text in etcd is refused: [^]*\nthe previous version stays in force$/,
    )
    expect(one.lines.join('\n')).not.toMatch(/7431/)
    expect(readdirSync(one.state).sort()).toEqual(['users-1', 'users.d', 'users.signed'])
    one.restart()
    expect(one.text('ssh.users')).toBe(USERS)
  })

  test('an older version, even after a restart; and the same version with another content', async () => {
    const one = host()
    const first = one.etcd.push(4, good)
    await one.tell(first)
    await one.push(5, { 'ssh.users': 'bob 7431,8020,6002\n' })
    for (const restart of [false, true]) {
      if (restart) one.restart()
      await one.tell(first)
      expect(one.users.status).toMatchObject({ version: 5, refused: 'version 4 is older than 5, which is in force' })
      expect(one.text('ssh.users')).not.toContain('alice')
    }
    await one.push(5, good)
    expect(one.users.status.refused).toBe('there is another version 5 already')
    expect(one.text('ssh.users')).not.toContain('alice')
  })

  test('a new version of an operator who was removed: what they signed before stays', async () => {
    const one = host()
    await one.push(1, good, 'bob')
    one.operators = ['alice']
    one.restart()
    expect(one.text('ssh.users')).toBe(USERS)
    await one.push(2, { 'ssh.users': 'mallory 7431,8020,6002\n' }, 'bob')
    expect(one.users.status).toMatchObject({ version: 1, refused: 'it is signed by somebody who may not' })
    await one.push(2, { 'ssh.users': 'carol 7431,8020,6002\n' }, 'alice')
    expect(one.users.status.version).toBe(2)
  })

  test('a part of another place under the name of a part', async () => {
    const one = host()
    await one.push(1, good)
    const text = one.etcd.push(2, { 'ssh.users': 'carol 7431,8020,6004\n' })
    const [old, fresh] = [USERS, 'carol 7431,8020,6004\n'].map((each) => KEYSPACE.part(SEAL.idOf(Buffer.from(each))))
    one.etcd.values.set(fresh!, one.etcd.values.get(old!)!)
    await one.tell(text)
    expect(one.text('ssh.users')).toBe(USERS)
    expect(one.users.status.refused).toContain('damaged')
  })

  test('a file with an error, until the door that reads it has changed', async () => {
    const one = host('[ssh]\nOne_Time_Sequences = USERS/ssh.users\nOpen_Ports = tcp/22\n')
    await one.push(1, good)
    expect(one.users.status.refused).toMatch(/ssh\.users:1:/)
    one.doors = SSH
    one.users.recheck()
    await soon(() => expect(one.text('ssh.users')).toBe(USERS))
  })

  test('a file in place of the link: it is not touched', async () => {
    const one = host()
    mkdirSync(one.path('.'))
    writeFileSync(one.path('mine'), 'mine')
    await one.push(1, good)
    expect(one.users.status.refused).toMatch(/is not a link of knockd's/)
    expect(readFileSync(one.path('mine'), 'utf8')).toBe('mine')
  })
})

describe('a passing failure', () => {
  test('etcd goes away between the document and its parts: the parts are fetched later', async () => {
    vi.useFakeTimers()
    try {
      const one = host()
      const text = one.etcd.push(1, { 'ssh.users': USERS })
      one.etcd.away = 'no majority of etcd answers'
      one.users.changed([{ type: 'put', kv: { key: PLACE, value: text, modRevision: '1' } }])
      await vi.advanceTimersByTimeAsync(50)
      await soon(() => expect(one.users.status.refused).toBe('no majority of etcd answers'))
      await vi.advanceTimersByTimeAsync(10_000)
      expect(one.lines.filter((line) => line.includes('no majority')).length).toBe(1)
      one.etcd.away = undefined
      await vi.advanceTimersByTimeAsync(60_000)
      await soon(() => expect(one.text('ssh.users')).toBe(USERS))
      expect(one.users.status.refused).toBeUndefined()
    } finally {
      vi.useRealTimers()
    }
  })

  test.each(['create', 'write', 'sync', 'mkdir', 'syncFolder', 'rename'])(
    'a full disk at %s: the version is refused whole, the previous one stays, and it is tried again',
    async (failing) => {
      let isFull = false
      const full = (step: string): void => {
        if (isFull && step === failing) throw systemError('ENOSPC')
      }
      const one = host(SSH, { disk: disk(full) })
      await one.push(1, { 'ssh.users': USERS })
      isFull = true
      await one.push(2, { 'ssh.users': 'bob 7431,8020,6002\n' })
      expect(one.users.status).toMatchObject({ version: 1, refused: 'ENOSPC' })
      expect(one.text('ssh.users')).toBe(USERS)
      isFull = false
      await soon(() => expect(one.text('ssh.users')).toBe('bob 7431,8020,6002\n'))
      expect(one.users.status).toMatchObject({ version: 2, refused: undefined })
    },
  )
})

describe('a crash', () => {
  /** Ends a host at the given step of taking a version; returns the steps before it. */
  async function crashAt(at: number): Promise<{ readonly one: FleetHost; readonly steps: readonly string[] }> {
    const steps: string[] = []
    let isCounting = false
    const one = host(SSH, {
      disk: disk((step, path) => {
        if (!isCounting) return
        if (steps.length >= at) throw new Error('crashed')
        steps.push(`${step} ${path.slice(path.lastIndexOf('/state') + 7)}`)
      }),
    })
    await one.push(1, { 'ssh.users': USERS, ...PROFILE })
    isCounting = true
    await one.push(2, { 'ssh.users': 'bob 7431,8020,6002\n', ...PROFILE })
    return { one, steps }
  }
  const KEY = 'MDEyMzQ1Njc4OWFiY2RlZg==\n'
  const PROFILE = {
    'p.knockknock/alice/cipher.key': KEY,
    'p.knockknock/alice/mac.key': KEY,
    'p.knockknock/alice/counter': '0\n',
    'p.knockknock/alice/config': '[main]\nknock_port = 22\n',
  }

  test('at any step: one version or the other is in force, whole, and the document says which', async () => {
    const { steps: all } = await crashAt(Infinity)
    expect(all.length).toBeGreaterThan(15)
    for (let at = 0; at < all.length; at++) {
      const { one } = await crashAt(at)
      one.restart({ disk: { ...realDisk, ...realFolderDisk } })
      const { version } = one.users.status
      expect(one.text('ssh.users')).toBe(version === 1 ? USERS : 'bob 7431,8020,6002\n')
      expect(one.text('p.knockknock/alice/cipher.key')).toBe(KEY)
      one.users.listed([
        { key: PLACE, value: one.etcd.push(3, { 'ssh.users': 'carol 7431,8020,6002\n' }), modRevision: '3' },
      ])
      await soon(() => expect(one.users.status.version).toBe(3))
    }
  })

  test('of the machine: all files and folders are on disk before the document, and the document before the link', async () => {
    const { steps } = await crashAt(Infinity)
    const place = (step: string): number => steps.indexOf(step)
    const stored = place('rename users.signed')
    const files = steps.filter((step) => step.startsWith('create users-2/'))
    expect(files).toEqual(['create users-2/ssh.users'])
    // Unchanged files were synced with their version.
    expect(steps.filter((step) => step.startsWith('link users-2/'))).toHaveLength(4)
    for (const file of files) expect(place(file.replace('create', 'sync'))).toBeGreaterThan(place(file))
    const before = [
      ...files.map((file) => file.replace('create', 'sync')),
      'syncFolder users-2/p.knockknock/alice',
      'syncFolder users-2/p.knockknock',
      'syncFolder users-2',
      'syncFolder ',
    ]
    for (const step of before) {
      expect(place(step), step).toBeGreaterThanOrEqual(0)
      expect(place(step), step).toBeLessThan(stored)
    }
    expect(place('sync users.signed.new')).toBeLessThan(stored)
    expect(place('replace users.d')).toBeGreaterThan(stored)
  })

  test('damaged files are logged, and the same text repairs them', async () => {
    const one = host()
    const text = one.etcd.push(7, { 'ssh.users': USERS })
    await one.tell(text)
    chmodSync(one.path('ssh.users'), 0o600)
    writeFileSync(one.path('ssh.users'), USERS.replace('6001', '6009'))
    one.restart()
    expect(one.lines.at(-1)).toMatch(/damaged or missing/)
    await one.tell(one.etcd.push(6, { 'ssh.users': '' }))
    expect(one.users.status.version).toBe(7)
    one.users.listed([{ key: PLACE, value: text, modRevision: '3' }])
    await soon(() => expect(one.text('ssh.users')).toBe(USERS))
    expect(lstatSync(join(one.state, 'users.d')).isSymbolicLink()).toBe(true)
  })
})

test('lines of one-time lists that this host used stay used in a new version', async () => {
  const one = host(LIST)
  await one.push(1, { 'ssh.list': ' 7431,8020\n 7432,8021\n 7433,8022\n' })
  writeFileSync(one.path('ssh.list'), '#7431,8020\n 7432,8021\n 7433,8022\n')
  one.restart()
  expect(one.lines.filter((line) => line.startsWith('error'))).toEqual([])
  await one.push(2, { 'ssh.list': ' 7433,8022\n 7431,8020\n 7432,8021\n 7434,8023\n' })
  expect(one.text('ssh.list')).toBe(' 7433,8022\n#7431,8020\n 7432,8021\n 7434,8023\n')
  expect(one.lines).toContain('notice: the users of the fleet: ssh.list: added 1 sequence')
})

test('of versions in any order, damaged or not, the highest good one is in force', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          version: fc.integer({ min: 1, max: 6 }),
          fault: fc.constantFrom('none', 'signer', 'line', 'part'),
        }),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
      async (pushes) => {
        const one = host()
        let [version, text]: [number, string | undefined] = [0, undefined]
        for (const [at, { version: next, fault }] of pushes.entries()) {
          const users = fault === 'line' ? 'x\n' : `u${at} 7431,8020,${6000 + at}\n`
          const document = one.etcd.push(next, { 'ssh.users': users }, fault === 'signer' ? 'mallory' : 'alice')
          if (fault === 'part') one.etcd.values.delete(KEYSPACE.part(SEAL.idOf(Buffer.from(users))))
          await one.tell(document)

          if (fault === 'none' && next > version) [version, text] = [next, users]
          expect([one.users.status.version ?? 0, one.text('ssh.users')]).toEqual([version, text])
        }
        one.users.close()
      },
    ),
    { numRuns: 15 },
  )
})

test('users of a restored copy are in no file, until newer ones come', async () => {
  const web = host()
  await web.push(3, { 'ssh.users': 'alice 7431,8020,6001\n' })
  web.least.raise(4)
  web.restart()
  expect(web.text('ssh.users')).toBeUndefined()
  expect(web.lines.at(-1)).toBe('error: the users of the fleet: doors have none until newer ones come from etcd')
  await web.push(3, { 'ssh.users': 'alice 7431,8020,6001\n' })
  expect(web.text('ssh.users')).toBeUndefined()
  await web.push(4, { 'ssh.users': 'bob 7431,8020,6002\n' })
  expect(web.text('ssh.users')).toBe('bob 7431,8020,6002\n')
})

test('a host that lost its State_Folder accepts no older users than it had', async () => {
  const web = host()
  await web.push(3, { 'ssh.users': 'bob 7431,8020,6002\n' })
  rmSync(web.state, { recursive: true })
  mkdirSync(web.state, { mode: 0o700 })
  web.restart()
  await web.push(2, { 'ssh.users': 'alice 7431,8020,6001\n' })
  expect(web.users.status).toMatchObject({ version: undefined, refused: expect.stringContaining('older than 3') })
  await web.push(3, { 'ssh.users': 'bob 7431,8020,6002\n' })
  expect(web.text('ssh.users')).toBe('bob 7431,8020,6002\n')
})

/** Returns the change that writes the key of the users in etcd. */
function putOf(value: string): {
  readonly type: 'put'
  readonly kv: { key: string; value: string; modRevision: string }
} {
  return { type: 'put', kv: { key: PLACE, value, modRevision: '1' } }
}

test('garbage right after a good version neither hides that version nor stops the tries', async () => {
  const web = host()
  web.etcd.away = 'no majority'
  const text = web.etcd.push(2, { 'ssh.users': USERS })
  web.users.changed([putOf(text), putOf('garbage'), putOf(signed({ version: 9, files: [] }, 'mallory'))])
  await soon(() => expect(web.users.status.refused).toBe('no majority'))
  for (let count = 0; count < 20; count++) web.users.changed([putOf(`garbage ${count}`)])
  web.etcd.away = undefined
  await soon(() => expect(web.text('ssh.users')).toBe(USERS))
})
