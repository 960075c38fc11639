import { quote } from '../../config/fault.ts'
import { nearest } from '../../config/nearest.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { Port } from './request.ts'
import type { ReadValue } from './settings.ts'

/** What the words of a command cycle can stand for. */
export interface CycleFacts {
  /** Whom to open for. */
  readonly address: Address
  /** Where the packet came from, and which address it was sent to. */
  readonly source: Address
  readonly destination: Address
  /** The first port that was asked for: fwknopd hands on no other. */
  readonly port: Port
  /** Seconds until the close command. */
  readonly openS: number
  /** Milliseconds since 1970. */
  readonly now: number
}

const VARIABLES: Readonly<Record<string, (facts: CycleFacts) => string>> = {
  IP: ({ address }) => formatAddress(address),
  SRC: ({ address }) => formatAddress(address),
  PKT_SRC: ({ source }) => formatAddress(source),
  DST: ({ destination }) => formatAddress(destination),
  PORT: ({ port }) => String(port.port),
  // A number, as fwknopd has it: 6 is TCP, 17 UDP (RFC 5237).
  PROTO: ({ port }) => String(port.protocol),
  // fwknopd 2.6.10 was seen to write the moment of the close command, in seconds since 1970.
  TIMEOUT: ({ now, openS }) => String(Math.floor(now / 1_000) + openS),
  CLIENT_TIMEOUT: ({ openS }) => String(openS),
}

/** Longest names first: fwknopd does not ask where a name ends, `$IPX` is an address and an X. */
const NAMES = Object.keys(VARIABLES).sort((one, other) => other.length - one.length)

/** A command of a cycle, every `$` in it known. It is run without a shell, so that quotes are quotes and `>` is a word. */
export const readCycleCommand: ReadValue<string> = (text) => {
  if (!/^\/[^\p{C}]*$/u.test(text.replaceAll('\t', ' '))) {
    return { fault: 'the command does not begin with an absolute path', hint: 'as in `/usr/sbin/ipset add guests $IP`' }
  }
  if (/["'`\\]/.test(text)) {
    const hint = 'the command is run without a shell: put it into a script, and name that'
    return { fault: 'quotes mean nothing here', hint }
  }
  for (const [, name = ''] of text.matchAll(/\$(\w*)/g)) {
    if (NAMES.some((known) => name.startsWith(known))) continue
    const meant = nearest(name, NAMES)
    const hint =
      meant === undefined ? `one of ${NAMES.map((known) => `$${known}`).join(', ')}` : `did you mean $${meant}?`
    return { fault: `${quote(`$${name}`)} stands for nothing`, hint }
  }
  return { value: text }
}

/** A command that {@link readCycleCommand} took, as arguments: the words between blanks, with what `$IP` and so on stand for. */
export function cycleArguments(command: string, facts: CycleFacts): readonly string[] {
  const names = new RegExp(`\\$(${NAMES.join('|')})`, 'g')
  return command
    .split(/[ \t]+/)
    .filter((word) => word !== '')
    .map((word) => word.replaceAll(names, (_, name: string) => VARIABLES[name]!(facts)))
}
