import type { Reader } from '../../text/read.ts'
import { quote } from '../../text/fault.ts'
import { meantOr } from '../../text/read.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { Port } from './request.ts'

/** The values of the variables in a cycle's commands. */
export interface CycleFacts {
  /** The address that the cycle opens for. */
  readonly address: Address
  /** The source and the destination of the packet. */
  readonly source: Address
  readonly destination: Address
  /** The first port of the request. fwknopd passes on no other. */
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
  // The value is a protocol number, as in fwknopd: 6 is TCP, 17 is UDP (RFC 5237).
  PROTO: ({ port }) => String(port.protocol),
  // fwknopd 2.6.10 was seen to write the time of the close command, in seconds since 1970.
  TIMEOUT: ({ now, openS }) => String(Math.floor(now / 1_000) + openS),
  CLIENT_TIMEOUT: ({ openS }) => String(openS),
}

/**
 * The names of the variables, longest first. fwknopd does not check where a name ends: `$IPX` is an address and an X.
 */
const NAMES = Object.keys(VARIABLES).sort((one, other) => other.length - one.length)

/**
 * Reads a command of a cycle, whose variables must all be known. The command runs without a shell: quotes have no
 * effect, and `>` is a word.
 */
export const readCycleCommand: Reader<string> = (text) => {
  if (!/^\/[^\p{C}]*$/u.test(text.replaceAll('\t', ' '))) {
    return {
      message: 'the command does not begin with an absolute path',
      hint: 'as in `/usr/sbin/ipset add guests $IP`',
    }
  }
  if (/["'`\\]/.test(text)) {
    const hint = 'the command runs without a shell: put it into a script, and name the script'
    return { message: 'quotes have no effect here', hint }
  }
  for (const [, name = ''] of text.matchAll(/\$(\w*)/g)) {
    if (NAMES.some((known) => name.startsWith(known))) continue
    const all = NAMES.map((known) => `$${known}`)
    return {
      message: `${quote(`$${name}`)} is not a variable`,
      hint: meantOr(`$${name}`, all, `one of ${all.join(', ')}`),
    }
  }
  return { value: text }
}

/** Splits a command from {@link readCycleCommand} at its blanks, and replaces the variables by their values. */
export function cycleArguments(command: string, facts: CycleFacts): readonly string[] {
  const names = new RegExp(`\\$(${NAMES.join('|')})`, 'g')
  return command
    .split(/[ \t]+/)
    .filter((word) => word !== '')
    .map((word) => word.replaceAll(names, (_, name: string) => VARIABLES[name]!(facts)))
}
