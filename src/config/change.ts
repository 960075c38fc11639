import type { Word } from './shell.ts'

/** One thing said about a rule: `--dport 22`. */
export interface Field {
  /** What it is about, the same for every spelling: `--dport`. */
  readonly label: string
  /** Its value, the same for every spelling. */
  readonly value: string
  /** As it stands in the command. */
  readonly text: string
  /** UTF-16 units from the beginning of the command. */
  readonly offset: number
}

/** What one program of a command changes in a firewall. */
export interface Change {
  /** Which kind of firewall program; only changes of one kind can undo each other. */
  readonly kind: 'iptables' | 'nft' | 'ufw' | 'firewall-cmd' | 'ipset' | 'pfctl'
  /** `number`: takes away by place, whatever is there. */
  readonly act: 'add' | 'remove' | 'number'
  /** Whether it lets somebody in; `passing` by itself after a time the firewall keeps. */
  readonly opens: boolean
  /** Whether the firewall ends it by itself. */
  readonly passing: boolean
  /** How it begins: `iptables -I INPUT`. */
  readonly head: string
  /** All of its words. */
  readonly text: string
  readonly offset: number
  readonly fields: readonly Field[]
}

/** The words of a command, without the quotes they had. */
export function textOf(words: readonly Word[]): string {
  return words.map(({ text }) => text).join(' ')
}

/** A field of one word. */
export function fieldOf(label: string, word: Word, value = word.text): Field {
  return { label, value: plainSource(value), text: word.text, offset: word.offset }
}

/** `%IP%/32` and `%IP%/128` are the address alone. */
export function plainSource(value: string): string {
  return value.replace(/^%IP%\/(32|128)$/, '%IP%')
}

/** Services people name in rules, with their ports (IANA), so that `ssh` undoes `22`. */
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

/** A port by number where it is written by name. */
export function plainPort(value: string): string {
  return SERVICES.get(value.toLowerCase()) ?? value
}
