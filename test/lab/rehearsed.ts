import { expect } from 'vitest'
import { program } from './knockd.ts'
import { Host, SERVER_4, SERVER_6, link } from './net.ts'
import type { Output } from './process.ts'
import { writeConfig } from './scratch.ts'

/** Milliseconds that one test may take: a rehearsal waits for deadlines, twice. */
export const LIMIT_MS = 180_000
/** Milliseconds that one rehearsal may take. */
export const RUN_LIMIT_MS = 120_000

/** Does something when it is first asked for, and answers the same from then on: tests share it, in any order. */
export function once<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let made: Promise<Made> | undefined
  return async () => await (made ??= make())
}

/** The machine: one interface, with both families unless addresses are given, and somebody on its other end. */
export async function makeMachine(addresses = [`${SERVER_4}/24`, `${SERVER_6}/64`]): Promise<Host> {
  const machine = await Host.make('machine')
  const neighbour = await Host.make('neighbour')
  await link({ host: machine, addresses }, { host: neighbour })
  return machine
}

export const RULE = '-s %IP% -p tcp --dport 22 -j ACCEPT'

export interface Commands {
  readonly start?: string
  readonly stop?: string
  readonly start6?: string | undefined
  readonly stop6?: string | undefined
  /** The address to knock at: the door is tried over its family alone. Doors of both families are tried at once. */
  readonly target?: string
}

/** A door for ssh as it should be, but for what is given. The start command stands in line 5, the stop command in line 6. */
export function config(commands: Commands = {}): string {
  const all = {
    start: `iptables -I INPUT ${RULE}`,
    stop: `iptables -D INPUT ${RULE}`,
    start6: `ip6tables -I INPUT ${RULE}`,
    stop6: `ip6tables -D INPUT ${RULE}`,
    ...commands,
  }
  const lines = ['[ssh]', 'Sequence = 7301,8822:udp,6103', 'Seq_Timeout = 1', 'Cmd_Timeout = 2']
  lines.push(`Start_Command = ${all.start}`, `Stop_Command = ${all.stop}`)
  if (all.start6 !== undefined) lines.push(`Start_Command_6 = ${all.start6}`)
  if (all.stop6 !== undefined) lines.push(`Stop_Command_6 = ${all.stop6}`)
  if (all.target !== undefined) lines.push(`Target = ${all.target}`)
  return `${lines.join('\n')}\n`
}

/** Doors by name, each as {@link config} has it, with a sequence of its own. */
export function configOf(doors: Readonly<Record<string, Commands>>): string {
  return Object.entries(doors)
    .map(([name, commands], index) =>
      config(commands)
        .replace('[ssh]', `[${name}]`)
        .replace('7301', String(7301 + index)),
    )
    .join('')
}

/** Runs a rehearsal on the machine to its end. */
export async function rehearse(machine: Host, text: string, ...args: readonly string[]): Promise<Output> {
  const argv = [process.execPath, program('postern'), 'rehearse', '-c', writeConfig(text), ...args]
  return await machine.run(argv, { mayFail: true, limitMs: RUN_LIMIT_MS })
}

export interface Finding {
  readonly door: string
  readonly families: readonly number[]
  readonly line: number
  readonly column: number
  readonly message: string
  readonly hint?: string
}

export interface Document {
  readonly good: boolean
  readonly notCopied: readonly string[]
  readonly doors: readonly {
    readonly name: string
    readonly ports: string
    readonly notes: readonly string[]
    readonly tried: readonly {
      readonly family: 4 | 6
      readonly checks: Readonly<Record<string, string>>
      readonly openedMs?: number
    }[]
  }[]
  readonly findings: readonly Finding[]
  readonly machine: { readonly unchanged: boolean }
}

/** The same with `--json`, and the machine's rules byte for byte before and after. */
export async function report(machine: Host, text: string, ...args: readonly string[]): Promise<Document> {
  const before = await wholeRules(machine)
  const { code, stdout, stderr } = await rehearse(machine, text, '--json', ...args)
  expect(await wholeRules(machine)).toBe(before)
  expect(stdout, stderr).not.toBe('')
  const document = JSON.parse(stdout) as Document
  expect(document.machine).toEqual({ unchanged: true })
  expect(code).toBe(document.good ? 0 : 1)
  return document
}

/** Everything that the machine has in the way of rules. */
export async function wholeRules(machine: Host): Promise<string> {
  const texts: string[] = []
  for (const command of ['nft -s list ruleset', 'iptables-legacy-save', 'ip6tables-legacy-save']) {
    const { stdout } = await machine.run(command.split(' '))
    texts.push(stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '[]'))
  }
  return texts.join('\n')
}

/** The checks of a door, the first one without a name. */
export const checksOf = ({ doors }: Document, family: 4 | 6, name = doors[0]!.name): Readonly<Record<string, string>> =>
  doors.find((door) => door.name === name)!.tried.find((each) => each.family === family)!.checks

export const ALL_GOOD = {
  closedBefore: 'yes',
  seen: 'yes',
  opens: 'yes',
  toNobodyElse: 'yes',
  survives: 'yes',
  shuts: 'not tried',
  closes: 'yes',
  restores: 'yes',
  wrongOrder: 'yes',
  slowKnock: 'yes',
  portScan: 'yes',
}

/** Rules that let in by sets, whatever chain iptables has. */
export const NFT_RULES = `
table inet filter {
  set let_in { type ipv4_addr; flags timeout; }
  set let_in6 { type ipv6_addr; flags timeout; }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    meta l4proto ipv6-icmp accept
    ip saddr @let_in tcp dport 22 accept
    ip6 saddr @let_in6 tcp dport 22 accept
  }
}
`
