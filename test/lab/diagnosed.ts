import { beforeAll, expect } from 'vitest'
import { program } from './knockd.ts'
import { CLIENT_4, Host, IS_ROOT, SERVER_4, link } from './net.ts'
import type { Document, Finding } from './rehearsed.ts'
import { RUN_LIMIT_MS } from './rehearsed.ts'
import { writeConfig } from './scratch.ts'

type Doors = Readonly<Record<string, readonly string[]>>

/** One machine for all tests of a file: its rules are flushed between two, and a rehearsal has as many doors as it can. */
class Diagnosed {
  host!: Host
  neighbour!: Host

  async make(): Promise<void> {
    this.host = await Host.make('machine')
    this.neighbour = await Host.make('neighbour')
    await link(
      { host: this.host, addresses: [`${SERVER_4}/24`] },
      { host: this.neighbour, addresses: [`${CLIENT_4}/24`] },
    )
  }

  /** Puts rules in, in place of whatever the machine had. */
  async rules(...commands: readonly string[]): Promise<void> {
    await this.host.run(['sh', '-ec', ['nft flush ruleset', ...commands].join('\n')])
  }

  /** Rehearses a config. `within` are words before those of the rehearsal. */
  async rehearse(text: string, within: readonly string[] = []): Promise<Document> {
    return await this.rehearseFile(writeConfig(text), within)
  }

  /** The same with a config that is in a file. */
  async rehearseFile(file: string, within: readonly string[] = []): Promise<Document> {
    const argv = [process.execPath, program('postern'), 'rehearse', '--json', '-c', file]
    const { stdout, stderr } = await this.host.run([...within, ...argv], { mayFail: true, limitMs: RUN_LIMIT_MS })
    expect(stdout, stderr).not.toBe('')
    return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Document
  }

  /** Rehearses doors, and returns the findings of each. */
  async found(doors: Doors): Promise<FindingTexts> {
    const text = configOf(doors)
    return foundIn(text, await this.rehearse(text))
  }
}

/** The findings of doors, each as `LINE-WITHIN-THE-DOOR:COLUMN message | hint`. */
type FindingTexts = Readonly<Record<string, readonly string[]>>

/** Returns the findings of each door of a config. */
export function foundIn(text: string, { doors, findings }: Document): FindingTexts {
  const lines = text.split('\n')
  const at = ({ door, line, column, message, hint }: Finding): string =>
    `${line - lines.indexOf(`[${door}]`)}:${column} ${message} | ${hint ?? ''}`
  return Object.fromEntries(doors.map(({ name }) => [name, findings.filter(({ door }) => door === name).map(at)]))
}

/** The machine of a test file, made before its first test. */
export function diagnosed(): Diagnosed {
  const machine = new Diagnosed()
  beforeAll(async () => {
    if (IS_ROOT) await machine.make()
  })
  return machine
}

/** Doors by name, each with its lines; sequences differ, so that none begins another one. */
export function configOf(doors: Doors): string {
  return Object.entries(doors)
    .map(([name, lines], index) =>
      [`[${name}]`, `Sequence = ${7301 + index},8822:udp,6103`, 'Seq_Timeout = 1', 'Cmd_Timeout = 1', ...lines].join(
        '\n',
      ),
    )
    .join('\n')
}

/** A door that only opens: nobody waits for its end. */
export const opening = (command: string): readonly string[] => [`Start_Command = ${command}`]
/** The same over IPv4 alone, which is rehearsed in half the time. */
export const opening4 = (command: string): readonly string[] => [...opening(command), `Target = ${SERVER_4}`]

const ESTABLISHED = 'iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
export const DROP_ALL = [ESTABLISHED, 'iptables -P INPUT DROP']
