import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { REMEDIES } from '../../src/remedy/remedies.ts'
import { SLOW, sample } from '../slow.ts'
import { PUBLISHED, withContainer } from './docker.ts'
import { KNOCKS } from './guarded.ts'
import { program } from './knockd.ts'
import { SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { typing } from './own-rules.ts'
import type { OwnRules } from './own-rules.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { goesOn, probe, sendKnocks, serveTcp, session } from './service.ts'

export type Name = keyof typeof REMEDIES

/** A port of the door, one of somebody else's that nobody is to reach, and those that all may. */
export const DOOR = 2222
export const PRIVATE = 3306
export const PUBLIC = [22, 80] as const
export const FAMILIES = [
  [SERVER_4, 'iptables'],
  [SERVER_6, 'ip6tables'],
] as const

/** A machine to try a remedy on. */
export interface Machine {
  readonly server: Host
  readonly client: Host
  readonly file: string
}

/** How a remedy comes about and is tried. */
export interface Trial {
  readonly name: string
  /** Whether it runs with SLOW alone, because the trial of another firewall stands for it. */
  readonly isLong?: boolean
  /** A machine with another host behind it, as Docker has them. */
  readonly container?: boolean
  /** Files below /etc, for a machine with an /etc of its own. */
  readonly etc?: Readonly<Record<string, string>>
  /** Puts the rules in, and gives what types on such a machine. */
  readonly rules: (machine: Machine) => Promise<OwnRules['type'] | void>
  /** Lines of the config's door, beside its sequence, or several doors. */
  readonly door: string
  /** The door's port; {@link DOOR} without it. */
  readonly port?: number
  /** What must be printed. */
  readonly expected: (machine: Machine, daemon: number | undefined) => readonly string[]
  /** Whether `postern rehearse` prints it as well; looked at with SLOW, as rehearsals are tested elsewhere. */
  readonly rehearsed?: boolean
  /** Whether doctor is asked once more without SLOW; doctor.test.ts has that for others. */
  readonly askedAgain?: boolean
  /** Whether the guard hides the port already, and is to go on without a daemon. */
  readonly guarded?: boolean
  /** Whether the daemon runs before. */
  readonly running?: boolean
  /** Types a command that is not over by itself. */
  readonly type?: (machine: Machine, command: string) => Promise<void>
}

/** Folder of stand-ins: sudo, the programs of this installation, and what a lab must not run. */
export function stubs(): Readonly<Record<string, string>> {
  const folder = scratch('bin')
  mkdirSync(folder)
  const put = (name: string, line: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  put('sudo', 'exec "$@"')
  for (const name of ['knockd', 'postern'] as const) put(name, `exec ${process.execPath} ${program(name)} "$@"`)
  for (const name of ['apt', 'apt-file', 'npm', 'install', 'systemctl', 'timedatectl', 'netfilter-persistent']) {
    put(name, 'exit 0')
  }
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`, EDITOR: 'true' }
}

/** What a stranger sees of each port over both families, the door's left out. */
export async function seenBy(client: Host, port: number): Promise<Readonly<Record<string, boolean>>> {
  const others = [...PUBLIC, PRIVATE, PUBLISHED].filter((each) => each !== port)
  const looks = FAMILIES.flatMap(([address]) =>
    others.map(async (each) => [`${address} ${each}`, (await probe(client, address, each)) === 'open'] as const),
  )
  return Object.fromEntries(await Promise.all(looks))
}

async function postern(host: Host, ...args: readonly string[]): Promise<string> {
  return (await host.run([process.execPath, program('postern'), ...args], { mayFail: true, limitMs: 120_000 })).stdout
}

async function advice(host: Host, file: string): Promise<readonly string[]> {
  const { findings } = JSON.parse(await postern(host, 'doctor', '--json', '-c', file, '-i', 'eth0')) as {
    readonly findings: readonly { readonly fix?: string }[]
  }
  return [...new Set(findings.flatMap(({ fix }) => fix ?? []))]
}

/** Runs the daemon with the config, and waits until it listens. */
export async function run(server: Host, file: string): Promise<Process> {
  const daemon = server.start([process.execPath, program('knockd'), '-v', '-c', file, '-i', 'eth0'])
  await daemon.line(/listening on/)
  return daemon
}

/** The same host with an /etc of its own, in which everything runs that runs on it from now on. */
async function withEtc(host: Host, files: Readonly<Record<string, string>>): Promise<Host> {
  const script = `mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work &&
    mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc && echo ready && exec sleep infinity`
  const holder = host.start(['unshare', '-m', 'sh', '-c', script])
  await holder.line(/ready/)
  const inside = (argv: readonly string[]): readonly string[] => [
    'nsenter',
    `--mount=/proc/${holder.pid}/ns/mnt`,
    ...argv,
  ]
  const runs: Host['run'] = async (argv, how) => await host.run(inside(argv), how)
  const starts: Host['start'] = (argv, how) => host.start(inside(argv), how)
  const own = Object.create(host, {
    resident: { value: host.resident },
    run: { value: runs },
    start: { value: starts },
  }) as Host
  for (const [name, input] of Object.entries(files)) {
    await own.run(['sh', '-c', 'mkdir -p "$(dirname "$0")" && cat > "$0"', `/etc/${name}`], { input })
  }
  return own
}

async function tryRemedy(trial: Trial): Promise<void> {
  const { container = false, door, port = DOOR, rehearsed = false, askedAgain = false, running = false } = trial
  const { server: bare, client } = container ? await withContainer() : await pair()
  const server = trial.etc === undefined ? bare : await withEtc(bare, trial.etc)
  const doors = door.includes('[') ? door : `[door]\nSequence = ${KNOCKS.join()}\n${door}\n`
  const file = writeConfig(`[options]\nStateDir = ${scratch('state')}\n${doors}`)
  const machine = { server, client, file }
  for (const each of [...PUBLIC, PRIVATE, DOOR]) await serveTcp(server, each)
  const type = (await trial.rules(machine)) ?? typing(server)
  let daemon = running ? await run(server, file) : undefined
  const open = await session(client, SERVER_4)
  const before = await seenBy(client, port)

  const expected = trial.expected(machine, daemon?.pid)
  expect(await advice(server, file)).toEqual(expect.arrayContaining([...expected]))
  if (SLOW && rehearsed) {
    const text = await postern(server, 'rehearse', '-c', file, '-i', 'eth0')
    for (const each of expected) expect(text).toContain(each)
  }
  for (const each of expected) {
    if (trial.type === undefined) await type(each, stubs())
    else await trial.type(machine, each)
    await goesOn(open)
  }
  expect(await seenBy(client, port)).toEqual(before)
  if (trial.guarded === true) expect(await probe(client, SERVER_4, port)).not.toBe('open')
  // Typed again, as the same advice may stand there twice.
  if (trial.type === undefined) for (const each of expected) await type(each, stubs())

  daemon ??= await run(server, file)
  for (const [address] of FAMILIES) {
    await until(`nobody else gets in at ${address}`, async () => (await probe(client, address, port)) !== 'open')
    await until(`the knock opens ${address}`, async () => {
      // A daemon that is reading its config again forgets the knocks before.
      await sendKnocks(client, address, KNOCKS)
      return (await probe(client, address, port)) === 'open'
    })
  }
  await goesOn(open)
  expect(await seenBy(client, port)).toEqual(before)
  if (!SLOW && !askedAgain) return
  const again = await advice(server, file)
  for (const each of expected) expect(again).not.toContain(each)
}

/** Remedies by name, with the machines on which each is printed. */
export type Trials = Readonly<Partial<Record<Name, readonly Trial[]>>>

/** A test for each trial. Each has a machine of its own, and mostly waits. */
export function tryAll(all: Trials): void {
  lab('remedies', { concurrent: true }, () => {
    for (const [name, trials] of Object.entries(all)) {
      test.each(sample(trials, ({ isLong }) => isLong !== true).map((trial) => [trial.name, trial] as const))(
        `${name}: %s`,
        async (_, trial) => {
          await tryRemedy(trial)
        },
        240_000,
      )
    }
  })
}
