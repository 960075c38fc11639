// Goal: a list that the daemon makes opens its door, is published encrypted after each use for exactly those it is for, and
// is replaced without locking out whoever has fetched a list; nothing in clear, nor half of a file, is ever in the folder.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { SLOW, slowly } from '../slow.ts'
import { asked } from './guarded.ts'
import { knock, startAgain, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { IS_ROOT, SERVER_4, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendKnocks, serveTcp, watchWire } from './service.ts'

/** Rounds of kill -9 at a random moment. */
const ROUNDS = SLOW ? 200 : 2
const KILL_WITHIN_MS = 120

interface Published {
  readonly identity: string
  readonly folder: string
  readonly notes: string
  readonly daemon: Knockd
  /** The sequences of the list as its recipient reads them, and its headings. */
  readonly list: () => { readonly sequences: readonly string[]; readonly headings: readonly string[] }
}

const ageIdentity = (): { readonly file: string; readonly recipient: string } => {
  const file = scratch('identity')
  execFileSync('age-keygen', ['-o', file], { stdio: 'ignore' })
  return { file, recipient: execFileSync('age-keygen', ['-y', file], { encoding: 'utf8' }).trim() }
}

const read = (text: string): { readonly sequences: readonly string[]; readonly headings: readonly string[] } => {
  const all = text.split('\n').filter(Boolean)
  return {
    sequences: all.filter((line) => !line.startsWith('#')),
    headings: all.filter((line) => line.startsWith('#')),
  }
}

const start = async (host: Host, lines: readonly string[] = []): Promise<Published> => {
  const folder = scratch('www')
  mkdirSync(folder)
  const notes = scratch('notes')
  const { file, recipient } = ageIdentity()
  const config = [
    '[options]',
    // Playing back used sequences is what a scanner does: here it is to be seen that none opens.
    'Scan_Ports = 0',
    '[ssh]',
    'One_Time_Sequences = generate',
    `Publish_To = ${folder}`,
    `Publish_For = ${recipient}`,
    ...lines,
    `Start_Command = echo %IP% >> ${notes}`,
    '',
  ].join('\n')
  const daemon = await startKnockd({ host, config })
  const path = join(folder, 'ssh.age')
  await until('the first list', () => existsSync(path))
  return {
    identity: file,
    folder,
    notes,
    daemon,
    list: () => read(execFileSync('age', ['-d', '-i', file, path], { encoding: 'utf8' })),
  }
}

const openings = (notes: string): number => readFileSync(notes, { encoding: 'utf8', flag: 'a+' }).split('\n').length - 1

const knockLine = async (client: Host, sequence: string): Promise<void> => {
  await sendKnocks(client, SERVER_4, sequence.split(','))
}

/** Which list is published: the file after the next one may have the first one's inode again. */
const published = (folder: string): string => {
  const { ino, mtimeNs } = statSync(join(folder, 'ssh.age'), { bigint: true })
  return `${ino} ${mtimeNs}`
}

/** Knocks, and waits for the door and for the list that comes after it. */
const use = async (client: Host, { notes, folder }: Published, sequence: string): Promise<void> => {
  const before = openings(notes)
  const listed = published(folder)
  await knockLine(client, sequence)
  await until('the opening', () => openings(notes) > before)
  await until('the next list', () => published(folder) !== listed)
}

const rotate = async (daemon: Knockd): Promise<string> => {
  const { code, stdout, stderr } = await asked(['sequences', 'rotate', '-c', daemon.file, '-i', 'eth0', 'ssh'])
  if (code !== 0) throw new Error(stderr)
  return stdout
}

/** Looks at every file that comes into a folder. */
const watchFolder = (
  folder: string,
): { readonly seen: readonly string[]; readonly bad: readonly string[]; readonly close: () => void } => {
  const seen: string[] = []
  const bad: string[] = []
  const watcher = watch(folder, (_, name) => {
    if (name === null) return
    seen.push(name)
    let text
    try {
      text = readFileSync(join(folder, name), 'latin1')
    } catch {
      return
    }
    const whole = name.endsWith('.html') || text.endsWith('-----END AGE ENCRYPTED FILE-----\n')
    if (!whole || /^[0-9]{4,5},[0-9]/m.test(text)) bad.push(`${name}: ${text.slice(0, 60)}`)
  })
  return { seen, bad, close: () => watcher.close() }
}

// Each has a network and a daemon of its own, and they wait a lot.
describe.skipIf(!IS_ROOT).concurrent('lists that the daemon makes', () => {
  test('open once each, are published after each use, never by half or in clear, and are filled up', async () => {
    const { server, client } = await pair()
    const of = await start(server, [
      'Sequence_Count = 5',
      'Sequence_Length = 3',
      'Low_Water = 3',
      'Sequence_Ports = 20000-29999',
    ])
    const first = of.list()
    const watched = watchFolder(of.folder)
    expect(first.sequences).toHaveLength(5)
    expect(first.headings).toEqual(
      expect.arrayContaining(['# Postern sequences, format 1', '# door: ssh', '# left: 5']),
    )
    for (const sequence of first.sequences) {
      const ports = sequence.split(',').map(Number)
      expect(new Set(ports).size).toBe(3)
      expect(ports.every((port) => port >= 20_000 && port <= 29_999)).toBe(true)
    }
    await use(client, of, first.sequences[0]!)
    expect(of.list().sequences).toEqual(first.sequences.slice(1))
    // The one that was used, and the one after the next: neither opens.
    await knockLine(client, first.sequences[0]!)
    await knockLine(client, first.sequences[2]!)
    await use(client, of, first.sequences[1]!)
    expect(openings(of.notes)).toBe(2)
    await until('the list to be full', () => of.list().sequences.length === 5)
    expect(of.list().sequences.slice(0, 3)).toEqual(first.sequences.slice(2))
    await of.daemon.process.line(/ssh: list refilled: 3 sequences were left, now 5/)
    for (let round = 0; round < (SLOW ? 4 : 1); round++) await use(client, of, of.list().sequences[0]!)
    watched.close()
    expect(watched.bad).toEqual([])
    expect(watched.seen).toContain('ssh.age')
  })

  test('are knocked by knock --from, whoever else uses one meanwhile', async () => {
    const { server, client } = await pair()
    const service = await serveTcp(server, 22)
    const of = await start(server, ['Open_Ports = tcp/22', 'Open_For = 1s'])
    const path = join(of.folder, 'ssh.age')
    const from = async (): Promise<number | null> => {
      const words = ['--from', path, '--identity', of.identity, '--verify', 'tcp/22', SERVER_4]
      return (await knock(client, words)).code
    }
    expect(await from()).toBe(0)
    await until('the opening', () => openings(of.notes) === 1)
    // An old copy of the list: its first sequence is used by somebody else before ours arrives.
    await until('the next list', () => of.list().sequences.length === 19)
    const stale = scratch('stale.age')
    writeFileSync(stale, readFileSync(path))
    const staleList = of.list()
    await use(client, of, of.list().sequences[0]!)
    await until('the door to shut', async () => (await probe(client, SERVER_4, 22)) !== 'open')
    const staleLast = staleList.sequences[0]!.split(',').at(-1)!
    const wire = await watchWire(server, 'tcp[tcpflags] & tcp-syn != 0')
    const link = scratch('link.age')
    symlinkSync(stale, link)
    const knocking = knock(client, [
      '--from',
      link,
      '--identity',
      of.identity,
      '--verify',
      'tcp/22',
      '--retry',
      '3',
      SERVER_4,
    ])
    // Once it has knocked in vain, the fresh list takes the place of the copy.
    await wire.line(new RegExp(`\\.${staleLast}: Flags \\[S\\]`))
    await wire.stop()
    symlinkSync(path, `${link}.new`)
    renameSync(`${link}.new`, link)
    const { code } = await knocking
    expect(code).toBe(0)
    await until('the third opening', () => openings(of.notes) === 3)
    await service.stop()
  })

  test('are for their recipients alone; when replaced, old and new open until the new one says otherwise', async () => {
    const { server, client } = await pair()
    const home = scratch('gnupg')
    mkdirSync(home, { mode: 0o700 })
    const gpg = (words: readonly string[], input = ''): string =>
      execFileSync(
        'gpg',
        [
          '--homedir',
          home,
          '--batch',
          '--quiet',
          '--no-tty',
          '--pinentry-mode',
          'loopback',
          '--passphrase',
          '',
          ...words,
        ],
        {
          encoding: 'utf8',
          input,
          stdio: ['pipe', 'pipe', 'ignore'],
        },
      )
    gpg(['--quick-generate-key', 'knocker@example.org', SLOW ? 'default' : 'future-default', 'default', 'never'])
    const key = scratch('key.asc')
    writeFileSync(key, gpg(['--armor', '--export', 'knocker@example.org']))
    const of = await start(server, [`Publish_For = ${key}`, 'Publish_Overlap = 6s'])
    await until('both', () => existsSync(join(of.folder, 'ssh.asc')))
    expect(
      readdirSync(of.folder)
        .filter((name) => !name.endsWith('.html'))
        .sort(),
    ).toEqual(['ssh.age', 'ssh.asc'])
    expect(read(gpg(['--decrypt'], readFileSync(join(of.folder, 'ssh.asc'), 'utf8')))).toEqual(of.list())
    for (const name of ['ssh.age', 'ssh.asc']) {
      expect(statSync(join(of.folder, name)).mode & 0o777).toBe(0o644)
      expect(readFileSync(join(of.folder, name), 'latin1')).not.toContain(of.list().sequences[0]!)
    }
    const stranger = ageIdentity().file
    expect(() => execFileSync('age', ['-d', '-i', stranger, join(of.folder, 'ssh.age')], { stdio: 'ignore' })).toThrow()
    expect(statSync(of.daemon.stateDir).mode & 0o077).toBe(0)
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])

    const old = of.list()
    expect(await rotate(of.daemon)).toBe('ssh has a new list of 20 sequences\n')
    await until('the new list', () => of.list().sequences[0] !== old.sequences[0])
    const fresh = of.list()
    expect(fresh.headings.some((line) => line.startsWith('# the previous list expires at: '))).toBe(true)
    await use(client, of, old.sequences[0]!)
    await use(client, of, fresh.sequences[0]!)
    await of.daemon.process.line(/ssh: the previous list has expired/)
    await knockLine(client, old.sequences[1]!)
    await use(client, of, fresh.sequences[1]!)
    expect(openings(of.notes)).toBe(3)
  })

  test('while a new list cannot be published, the one that people have stays good', async () => {
    const { server, client } = await pair()
    const of = await start(server, ['Publish_Overlap = 0'])
    const old = of.list()
    renameSync(of.folder, `${of.folder}.away`)
    await rotate(of.daemon)
    await of.daemon.process.line(/ssh: its list is not published: /)
    await of.daemon.process.stop()
    const again = await startAgain(server, of.daemon)
    // A folder that is not there when it starts is told too.
    await until('what is told', () => again.count(/ssh: its list is not published: /) > 0)
    expect(again.lines.find((line) => line.includes('ssh: its list is not published: '))).toContain(of.folder)
    renameSync(`${of.folder}.away`, of.folder)
    // It has got no newer one, so what it was told is still true, after a restart too.
    await use(client, of, old.sequences[0]!)
    await until('the new list', () => !old.sequences.includes(of.list().sequences[0]!))
    await use(client, of, of.list().sequences[0]!)
    expect(openings(of.notes)).toBe(2)
  })

  test(`killed at any moment, ${ROUNDS} times: nothing opens twice, and whoever fetches a list gets in`, async () => {
    const { server, client } = await pair()
    const of = await start(server, ['Sequence_Count = 6', 'Low_Water = 3', 'Sequence_Length = 3'])
    let running = of.daemon.process
    for (let round = 0; round < ROUNDS; round++) {
      const [sequence] = of.list().sequences
      const before = openings(of.notes)
      const end = performance.now() + Math.random() * KILL_WITHIN_MS
      const busy = round % 2 === 0 ? knockLine(client, sequence!) : rotate(of.daemon).catch(() => '')
      await until('the moment', () => performance.now() >= end)
      running.kill('SIGKILL')
      await running.ended
      await busy
      running = await startAgain(server, of.daemon)
      await knockLine(client, sequence!)
      await knockLine(client, sequence!)
      expect(openings(of.notes) - before).toBeLessThanOrEqual(1)
      // What is published now opens: by hand one would try the next line, or fetch again.
      const now = openings(of.notes)
      await until(
        'an opening',
        async () => {
          await knockLine(client, of.list().sequences[0]!)
          return openings(of.notes) > now
        },
        30_000,
      )
    }
  }, 600_000)

  // The page's test has a passphrase as well: stretching one takes seconds.
  slowly('a passphrase in place of recipients; a folder that is not there is told', async () => {
    const { server } = await pair()
    const passphrase = scratch('passphrase')
    writeFileSync(passphrase, 'correct horse battery staple\n')
    chmodSync(passphrase, 0o600)
    const folder = scratch('www')
    const config = `[ssh]\nOne_Time_Sequences = generate\nPublish_To = ${folder}\nPublish_Passphrase_File = ${passphrase}\nStart_Command = true\n`
    const daemon = await startKnockd({ host: server, config })
    expect(await daemon.process.line(/not published/)).toContain(folder)
    mkdirSync(folder)
    daemon.process.kill('SIGHUP')
    await rotate(daemon)
    await until('the list', () => existsSync(join(folder, 'ssh.age')))
    const { Decrypter, armor } = await import('age-encryption')
    const decrypter = new Decrypter()
    decrypter.addPassphrase('correct horse battery staple')
    const text = await decrypter.decrypt(armor.decode(readFileSync(join(folder, 'ssh.age'), 'utf8')), 'text')
    expect(read(text).sequences).toHaveLength(20)
  })
})
