import { expect } from 'vitest'
import { program } from './knockd.ts'
import { CLIENT_4, Host, SERVER_4, SERVER_6 } from './net.ts'
import type { Document, Finding } from './rehearsed.ts'
import { RUN_LIMIT_MS } from './rehearsed.ts'
import { writeConfig } from './scratch.ts'

type Doors = Readonly<Record<string, readonly string[]>>

/** A machine to rehearse on, where one rehearsal has as many doors as it can. */
export class Diagnosed {
  readonly host: Host
  readonly neighbour: Host

  static async make(...addresses: readonly string[]): Promise<Diagnosed> {
    const [host, neighbour] = await Host.joined(
      { addresses: [`${SERVER_4}/24`, ...addresses] },
      { addresses: [`${CLIENT_4}/24`] },
    )
    return new Diagnosed(host, neighbour)
  }

  private constructor(host: Host, neighbour: Host) {
    this.host = host
    this.neighbour = neighbour
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
/** The same over IPv4 or IPv6 alone. Both families are rehearsed at once, so doors of each take half the time. */
export const opening4 = (command: string): readonly string[] => [...opening(command), `Target = ${SERVER_4}`]
export const opening6 = (command: string): readonly string[] => [...opening(command), `Target = ${SERVER_6}`]

const ESTABLISHED = 'iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
export const DROP_ALL = [ESTABLISHED, 'iptables -P INPUT DROP']
