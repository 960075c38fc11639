// Goal: TAB offers what the table, the config and the daemon have, in bash, zsh and fish; the command that is run then gets
// exactly those words, also if a config has hostile names; completing runs nothing, prints nothing and never hangs.
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Command } from '../../src/cli/command.ts'
import type { CommandGroup } from '../../src/cli/group.ts'
import { HELP } from '../../src/cli/option.ts'
import { KNOCK } from '../../src/client/arguments.ts'
import { KNOCK_SPA } from '../../src/client/spa/arguments.ts'
import { KNOCKD } from '../../src/daemon/arguments.ts'
import { ANSWER_MAX_MS } from '../../src/postern/completion/names.ts'
import { POSTERN } from '../../src/postern/postern.ts'
import { sample, slowly } from '../slow.ts'
import { postern } from './guarded.ts'
import { MODULES, program, startKnockd } from './knockd.ts'
import { IS_ROOT, lab, pair } from './net.ts'
import { run } from './process.ts'
import { writeConfig } from './scratch.ts'
import { OFFER, SHELLS, TAB, Typed, completion, readyDoors } from './typed.ts'
import type { Shell } from './typed.ts'

const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const SOURCE_6 = '2001:db8::77'

function configOf(names: readonly string[], users = ''): string {
  const doors = names.map((name, index) => `[${name}]\nSequence = ${7301 + index},822,9403\nOpen_Ports = tcp/22\n`)
  return `${doors.join('')}${users === '' ? '' : `[people]\nUsers = ${users}\nOpen_Ports = tcp/23\n`}`
}

/** Names of doors that a shell would like to run, expand, split or take for an option; with SLOW, others of each class too. */
const HOSTILE = [
  '$(touch PWNED)',
  '`touch PWNED`',
  "'; touch PWNED; '",
  'a  b',
  '\\$(touch PWNED)',
  '=ls',
  '~root',
  '{a,b}',
  'bang!x',
  '*(e:touch PWNED:)',
  '門',
  ...sample(
    [
      'x; touch PWNED',
      // Quotes, colons and at signs are typed by another test.
      'it\'s a "door"',
      'c:o:l:o:n',
      '@home',
      '${IFS}$HOME',
      'x & touch PWNED',
      'x | touch PWNED',
      'x > PWNED',
      '"; touch PWNED; "',
      'a door',
      'back\\slash\\',
      ':first',
      'eq=u=al',
      'at@home',
      '~',
      'a~b',
      '*',
      '[a-z]?',
      '!!',
      '^a^b',
      '#hash',
      '%1',
      '(e:touch PWNED:)',
      '<(touch PWNED)',
      'Tür',
      'comma,name',
    ],
    () => false,
  ),
]

const rowsOf = (group: CommandGroup): readonly Command[] =>
  group.commands.flatMap((row) => ('commands' in row ? rowsOf(row) : [row]))
const groupsOf = (group: CommandGroup): readonly CommandGroup[] => [
  group,
  ...group.commands.flatMap((row) => ('commands' in row ? groupsOf(row) : [])),
]
const ROWS = [...rowsOf(POSTERN), KNOCK, KNOCK_SPA, KNOCKD]

describe.skipIf(!IS_ROOT).concurrent.each([...SHELLS])('%s', (shell) => {
  let typed: Typed
  beforeAll(async () => {
    typed = await Typed.make(shell)
  })

  /** Types a line up to TAB, and gives the words that the command gets when Enter follows. */
  const words = async (lines: readonly string[]): Promise<readonly (readonly string[])[]> =>
    await typed.type(lines.map((line) => `${line}${TAB}\r`))

  test('completes commands, options, fixed values, files, doors, users and interfaces', async () => {
    const users = writeConfig(`carolina ${KEY}\n`, 'users')
    const file = writeConfig(configOf(['workshop', 'garage'], users))
    const mine = join(typed.folder, 'my config.conf')
    writeFileSync(mine, configOf(['workshop', 'garage'], users), { mode: 0o600 })
    // One shell asks the program itself for one of them: what is asked for is the same in the others.
    for (const each of shell === 'bash' ? [file] : [file, mine]) await readyDoors(each)
    mkdirSync(join(typed.folder, 'profiles'), { recursive: true })
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['postern firew', ['postern', 'firewall']],
      ['postern firewall ker', ['postern', 'firewall', 'kernel']],
      ['postern help firewall ker', ['postern', 'help', 'firewall', 'kernel']],
      ['postern --vers', ['postern', '--version']],
      ['postern status --js', ['postern', 'status', '--json']],
      ['knock --spa --server', ['knock', '--spa', '--server-key']],
      ['knock --spa fwk', ['knock', '--spa', 'fwknop']],
      ['knockd --only', ['knockd', '--only-ip-v4']],
      ['postern firewall kernel --format ipt', ['postern', 'firewall', 'kernel', '--format', 'iptables']],
      ['postern firewall kernel --format=ipt', ['postern', 'firewall', 'kernel', '--format=iptables']],
      ['postern sequences rot', ['postern', 'sequences', 'rotate']],
      ['postern completion fi', ['postern', 'completion', 'fish']],
      ['postern check my', ['postern', 'check', 'my config.conf']],
      ['knockd -c my', ['knockd', '-c', 'my config.conf']],
      ['knockd --config=my', ['knockd', '--config=my config.conf']],
      ['knock --spa --profile prof', ['knock', '--spa', '--profile', 'profiles']],
      [`postern open -c ${file} work`, ['postern', 'open', '-c', file, 'workshop']],
      [`postern open -c my\\ config.conf work`, ['postern', 'open', '-c', 'my config.conf', 'workshop']],
      [
        `postern open -c ~/my\\ config.conf work`,
        ['postern', 'open', '-c', `${typed.folder}/my config.conf`, 'workshop'],
      ],
      [`postern open --config=${file} work`, ['postern', 'open', `--config=${file}`, 'workshop']],
      [`postern open -c${file} work`, ['postern', 'open', `-c${file}`, 'workshop']],
      [`postern sequences -c ${file} rotate work`, ['postern', 'sequences', '-c', file, 'rotate', 'workshop']],
      [`postern firewall kernel -c ${file} --door=gar`, ['postern', 'firewall', 'kernel', '-c', file, '--door=garage']],
      [`knockd -i l`, ['knockd', '-i', 'lo']],
      // Where nothing fits, the line stays as it is.
      [`postern open -c ${file} nothing`, ['postern', 'open', '-c', file, 'nothing']],
      ['postern open --for 1', ['postern', 'open', '--for', '1']],
      ['postern open -- --so', ['postern', 'open', '--', '--so']],
      [`postern open -c ${file} workshop gar`, ['postern', 'open', '-c', file, 'workshop', 'gar']],
    ]
    const got = await words(cases.map(([line]) => line))
    // zsh takes the slash behind a folder away where the line ends.
    expect(got.map((argv) => argv.map((word) => word.replace(/\/$/, '')))).toEqual(cases.map(([, result]) => result))
  })

  // What is asked for is printed by Postern: shells differ in how they take addresses, with their colons, out of a word.
  const ofBash = shell === 'bash' ? test : slowly

  ofBash('completes users and doors of the default config', async () => {
    const { server } = await pair()
    server.etc('knockd.conf', configOf(['workshop'], writeConfig(`carolina ${KEY}\n`, 'users')))
    const lines = ['postern keygen totp ssh --user caro', 'postern keygen totp work']
    const got = await typed.type(
      lines.map((line) => `${line}${TAB}\r`),
      server.ns,
    )
    expect(got).toEqual([
      ['postern', 'keygen', 'totp', 'ssh', '--user', 'carolina'],
      ['postern', 'keygen', 'totp', 'workshop'],
    ])
  })

  test('completes addresses that are open or ignored, from the daemon', async () => {
    const file = shell === 'bash' ? await opened() : writeConfig(configOf(['ssh']))
    if (shell !== 'bash') writeFileSync(`${file}.source`, `${SOURCE_6}\n`)
    const result = ['postern', 'close', '-c', file, '--source', SOURCE_6]
    expect(
      await words([
        `postern close -c ${file} --source 20`,
        `postern close -c ${file} --source 2001:db8:`,
        `postern close -c ${file} --source=2001:d`,
        `postern forgive -c ${file} 20`,
      ]),
    ).toEqual([
      result,
      result,
      ['postern', 'close', '-c', file, `--source=${SOURCE_6}`],
      ['postern', 'forgive', '-c', file, '20'],
    ])
  })

  test('gives a command the very name of a door, whatever it is, and runs nothing', async () => {
    const files = await Promise.all(HOSTILE.map(async (name) => await readyDoors(writeConfig(configOf([name])))))
    const lines = files.map((file) => `postern open -c ${file} `)
    const got = await words(lines)
    // fish would expand a tilde in front, so such a name is not offered there.
    const offered = HOSTILE.map((name) => (shell === 'fish' && name.startsWith('~') ? [] : [name]))
    expect(got.map((argv) => argv.slice(4))).toEqual(offered)
    expect(readdirSync(typed.folder)).not.toContain('PWNED')
  })

  test('goes on where a quote is open, or a word has begun', async () => {
    const file = await readyDoors(writeConfig(configOf(['it\'s $HOME `x` "y" \\z !w', 'a:b c', 'u@v w'])))
    const name = 'it\'s $HOME `x` "y" \\z !w'
    const double = shell === 'fish' ? `"it's \\$H` : `"it's `
    const lines = [
      [double, name],
      [`'it`, name],
      [`it\\'s\\ `, name],
      [`a:`, 'a:b c'],
      [`'a:b`, 'a:b c'],
      [`"a:b `, 'a:b c'],
      [`a:b\\ `, 'a:b c'],
      [`u@`, 'u@v w'],
      [`u@v`, 'u@v w'],
    ] as const
    const got = await words(lines.map(([begun]) => `postern open -c ${file} ${begun}`))
    expect(got.map((argv) => argv.slice(4))).toEqual(lines.map(([, whole]) => [whole]))
  })

  test('offers every option of every row, every command, and every fixed value', async () => {
    const expected = new Map<string, readonly string[]>()
    for (const { name, options } of ROWS) {
      const all = Object.keys('help' in options ? options : { ...options, help: HELP })
      // zsh does not offer again what has been typed.
      const left = all.filter((option) => shell !== 'zsh' || !name.endsWith(` --${option}`))
      expected.set(`${name} --`, left.map((option) => `--${option}`).toSorted())
      for (const [option, { kind }] of Object.entries(options)) {
        if (typeof kind === 'object') expected.set(`${name} --${option} `, kind.toSorted())
      }
    }
    for (const group of groupsOf(POSTERN)) {
      const all = group.commands.map((row) => row.name.slice(group.name.length + 1))
      expected.set(`${group.name} `, [...all, ...(group === POSTERN ? ['help'] : [])].toSorted())
    }
    // bash takes the least time, and the scripts of all shells are made from the same rows.
    const lines = sample([...expected.keys()], (_, index) => shell === 'bash' || index % 10 === 0)
    const offered = await offers(shell, typed, lines)
    expect(lines.map((line, index) => [line, offered[index]])).toEqual(lines.map((line) => [line, expected.get(line)]))
    expect(expected.size).toBeGreaterThan(ROWS.length)
  })
})

/** Starts a daemon with a door that is open to {@link SOURCE_6}, and returns its config. */
async function opened(): Promise<string> {
  const { server } = await pair()
  const daemon = await startKnockd({ host: server, config: configOf(['ssh']) })
  await postern(server, daemon, 'open', 'ssh', '--source', SOURCE_6)
  return daemon.file
}

/** Returns the words that a shell offers at the end of each line, sorted. */
async function offers(shell: Shell, typed: Typed, lines: readonly string[]): Promise<readonly (readonly string[])[]> {
  if (shell === 'zsh') {
    // Ctrl-U: the next line begins anew.
    const seen = await typed.type(lines.map((line) => `\x15${line}${OFFER}`))
    return seen.map((each) => [...new Set(each)].filter((word) => word !== '' && !/^-[^-]/.test(word)).toSorted())
  }
  const quoted = lines.map((line) => `'${line}'`).join(' ')
  const script =
    shell === 'bash'
      ? `source ${typed.script}
         for COMP_LINE in ${quoted}; do COMP_POINT=\${#COMP_LINE}; _postern; printf '%s\\n' "\${COMPREPLY[@]}" ''; done`
      : `source ${typed.script}; for line in ${quoted}; complete -C $line | string replace -r '\\t.*' ''; echo; end`
  const argv = shell === 'fish' ? ['fish', '--no-config', '-c', script] : ['bash', '-c', script]
  const { stdout, stderr } = await run(argv, { cwd: typed.folder })
  expect(stderr).toBe('')
  return stdout
    .split('\n\n')
    .slice(0, -1)
    .map((each) =>
      each
        .split('\n')
        .filter((word) => word !== '' && !/^-[^-]/.test(word))
        .toSorted(),
    )
}

describe('the scripts', () => {
  test.each([
    ['bash', ['bash', '-n']],
    ['zsh', ['zsh', '-n']],
    ['fish', ['fish', '--no-config', '-n']],
  ] as const)('%s reads its own without a complaint', async (shell, argv) => {
    const { script } = await Typed.make(shell)
    const { stdout, stderr } = await run([...argv, script])
    expect([stdout, stderr]).toEqual(['', ''])
  })
})

lab('postern completion', () => {
  test('is printed by the program', async () => {
    const { stdout, stderr } = await run([process.execPath, program('postern'), 'completion', 'bash'])
    expect([stdout, stderr]).toEqual([await completion('bash'), ''])
  })

  test('a daemon that does not answer costs no longer than its bound', async () => {
    const { server } = await pair()
    const { file, process: daemon } = await startKnockd({ host: server, config: configOf(['ssh']) })
    await postern(server, { file }, 'status')
    process.kill(daemon.pid, 'SIGSTOP')
    try {
      const tookMs = await best(async () => {
        expect(await completion('--values', 'source', '-c', file)).toBe('')
      })
      expect(tookMs).toBeGreaterThan(ANSWER_MAX_MS / 2)
      expect(tookMs).toBeLessThan(ANSWER_MAX_MS * 4)
      const argv = [process.execPath, program('postern'), 'completion', '--values', 'source', '-c', file]
      // Nothing that it waits for keeps the program alive.
      expect(await run(argv)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    } finally {
      process.kill(daemon.pid, 'SIGCONT')
    }
  })

  test('a user who may not read the config is offered nothing, unless the daemon lets that user ask', async () => {
    const { server } = await pair()
    const config = `[options]\nControl_Group = nogroup\n${configOf(['ssh'])}`
    const { file } = await startKnockd({ host: server, config })
    chmodSync(dirname(file), 0o711)
    const as = async (uid: number, gid: number, ...kinds: readonly string[]): Promise<unknown> => {
      const names = join(MODULES, 'postern/completion/names.js')
      const { stdout } = await run([process.execPath, '-e', ASK_AS, names, file, String(uid), String(gid), ...kinds])
      return JSON.parse(stdout)
    }
    const [interfaces, ...rest] = (await as(1235, 1235, 'interface', 'door', 'user', 'source', 'ignored')) as unknown[]
    expect(interfaces).toContain('lo')
    expect(rest).toEqual([[], [], [], []])
    // A member of Control_Group may not read the config either, but ask the daemon.
    expect(await as(1234, 65_534, 'door')).toEqual([['ssh']])
  })
})

/** Asks for names as another user. The program is loaded first, in case that user cannot read it. */
const ASK_AS = `const [file, config, uid, gid, ...kinds] = process.argv.slice(1)
  import(file).then(async ({ namesOf }) => {
    process.setgroups([])
    process.setegid(Number(gid))
    process.seteuid(Number(uid))
    const names = []
    for (const kind of kinds) names.push(await namesOf({ kind, config, interfaces: [] }))
    console.log(JSON.stringify(names))
  })`

/** The least milliseconds of several runs. */
async function best(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return Math.min(...times)
}
