import { programName } from './shell.ts'
import type { Simple, Word } from './shell.ts'

/** One part of a firewall rule: `--dport 22`. */
export interface Field {
  /** The part's name, the same for every spelling: `--dport`. */
  readonly label: string
  /** The part's value, the same for every spelling. */
  readonly value: string
  /** The part as written in the command. */
  readonly text: string
  /** UTF-16 units from the beginning of the command. */
  readonly offset: number
}

/** The change that one program of a command makes in a firewall. */
export interface Change {
  /** The kind of firewall program. Only changes of one kind can undo each other. */
  readonly kind: 'iptables' | 'nft' | 'ufw' | 'firewall-cmd' | 'ipset' | 'pfctl'
  /** `number`: removes a rule by its position, whichever rule is there. */
  readonly act: 'add' | 'remove' | 'number'
  /** True if the change lets somebody in. */
  readonly opens: boolean
  /** True if the firewall ends the change by itself, after a timeout. */
  readonly passing: boolean
  /** The beginning of the command: `iptables -I INPUT`. */
  readonly head: string
  /** All words of the command. */
  readonly text: string
  readonly offset: number
  readonly fields: readonly Field[]
}

/**
 * Makes a change. By default it lets somebody in if it adds something, and stays until it is removed.
 *
 * @param after the words of its head after the program
 */
export function changed(
  kind: Change['kind'],
  act: Change['act'],
  command: Simple,
  after: string,
  fields: readonly Field[],
  more: Partial<Pick<Change, 'opens' | 'passing'>> = {},
): Change {
  const { offset } = command[0]!
  const head = `${programName(command)} ${after}`.trim()
  return { kind, act, opens: act === 'add', passing: false, head, text: textOf(command), offset, fields, ...more }
}

/** Joins the words of a command, without the quotes they had. */
export function textOf(words: readonly Word[]): string {
  return words.map(({ text }) => text).join(' ')
}

/** Makes a field of one word. */
export function fieldOf(label: string, word: Word, value = word.text): Field {
  return { label, value: plainSource(value), text: word.text, offset: word.offset }
}

/** Shortens `%IP%/32` and `%IP%/128` to the address alone. */
export function plainSource(value: string): string {
  return value.replace(/^%IP%\/(32|128)$/, '%IP%')
}

/** Service names that people use in rules, with their ports (IANA), so that `ssh` undoes `22`. */
const SERVICES: ReadonlyMap<string, string> = new Map([
  ['ftp', '21'],
  ['ssh', '22'],
  ['telnet', '23'],
  ['smtp', '25'],
  ['domain', '53'],
  ['http', '80'],
  ['pop3', '110'],
  ['imap', '143'],
  ['imap2', '143'],
  ['https', '443'],
  ['submission', '587'],
  ['imaps', '993'],
  ['openvpn', '1194'],
  ['mysql', '3306'],
  ['postgresql', '5432'],
])

/** Returns the number of a port that is written by name. */
export function plainPort(value: string): string {
  return SERVICES.get(value.toLowerCase()) ?? value
}
