import type { Fault } from '../../config/config.ts'
import { parseDuration } from '../../config/duration.ts'
import { FaultList, quote } from '../../config/fault.ts'
import { nearest } from '../../config/nearest.ts'
import type { Family } from '../../packet/address.ts'
import { readPorts } from '../../spa/fwknop/request.ts'
import type { Port } from '../../spa/fwknop/request.ts'
import { CLAIM_OPEN_MAX_S } from '../../spa/noise/claim.ts'
import { readKeyText } from '../../spa/noise/key-text.ts'
import { UsageError } from '../fault.ts'
import { parseClaim } from './arguments.ts'
import type { Claim } from './request.ts'

/** The section that holds for all hosts. */
const DEFAULT_SECTION = 'default'
/** Largest file, in UTF-16 units. */
const CONFIG_MAX_CHARS = 1_048_576
const PORT_MAX = 65_535

/** What ~/.config/postern/config says for one host. What it does not say is absent. */
export interface HostSettings {
  /** Name or address to send to; the section's own name without it. */
  readonly host?: string
  readonly port?: number
  readonly family?: Family
  /** The server's public key. */
  readonly serverKey?: Uint8Array
  /** File of the user's secret key. */
  readonly keyFile?: string
  readonly door?: string
  readonly access?: readonly Port[]
  readonly openS?: number
  readonly claim?: Claim
}

/** What one line says, or what is wrong with it. */
type LineRead = HostSettings | { readonly fault: string; readonly hint: string }

const DIRECTIVES: Readonly<Record<string, (text: string) => LineRead>> = {
  Host: (host) => ({ host }),
  Port: (text) => {
    const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN
    return port >= 1 && port <= PORT_MAX ? { port } : { fault: `${quote(text)} is no port`, hint: `1 to ${PORT_MAX}` }
  },
  Family: (text) => {
    if (text === '4' || text === '6') return { family: text === '4' ? 4 : 6 }
    return { fault: `${quote(text)} is no family`, hint: '4 or 6; without the line a packet goes over both' }
  },
  Server_Key: (text) => {
    const read = readKeyText(text, 'postern-server')
    return 'key' in read ? { serverKey: read.key } : { fault: `the key ${read.message}`, hint: read.hint }
  },
  Key_File: (keyFile) => ({ keyFile }),
  Door: (door) => ({ door }),
  Access: (text) => {
    const access = readPorts(text)
    if (access !== undefined) return { access }
    return { fault: `${quote(text)} is not a list of ports`, hint: 'as in tcp/22,udp/53' }
  },
  Open_For: (text) => {
    const read = parseDuration(text, 1_000, CLAIM_OPEN_MAX_S * 1_000)
    if ('ms' in read) return { openS: Math.ceil(read.ms / 1_000) }
    return { fault: `${quote(text)} ${read.message}`, hint: read.hint }
  },
  Claim: (text) => {
    try {
      return { claim: parseClaim(text) }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      return { fault: `${quote(text)} is not an address`, hint: error.hint }
    }
  },
}

/** The file as far as it concerns one host. */
export interface HostReading {
  readonly settings: HostSettings
  /** Whether a section has that name. */
  readonly found: boolean
  readonly faults: readonly Fault[]
}

/**
 * Reads ~/.config/postern/config for one host: `[default]`, and then the section of that name, which goes before. Lines are
 * `Name = value`. Every line of the file must be in order.
 */
export function readHostConfig(text: string, host: string): HostReading {
  const faults = new FaultList()
  const defaults: HostSettings = {}
  const settings: HostSettings = {}
  let section: string | undefined
  let found = false
  if (text.length > CONFIG_MAX_CHARS) {
    faults.error(1, 1, 'the file is too large', `at most ${CONFIG_MAX_CHARS} characters`)
    return { settings, found, faults: faults.sorted() }
  }
  for (const [index, whole] of text.split('\n').entries()) {
    const line = index + 1
    const content = whole.trim()
    const column = whole.length - whole.trimStart().length + 1
    if (content === '' || content.startsWith('#')) continue
    const header = /^\[([^\]]+)\]$/.exec(content)
    if (header !== null) {
      section = header[1]!.trim()
      found ||= section === host
      continue
    }
    const read = readLine(content)
    if ('fault' in read) faults.error(line, column, read.fault, read.hint)
    else if (section === undefined) {
      faults.error(line, column, 'this line stands before the first section', 'a section begins with `[name]`')
    } else if (section === host) Object.assign(settings, read)
    else if (section === DEFAULT_SECTION) Object.assign(defaults, read)
  }
  return { settings: { ...defaults, ...settings }, found, faults: faults.sorted() }
}

function readLine(content: string): LineRead {
  const match = /^([^=]*?)\s*=\s*(.+)$/.exec(content)
  if (match === null) return { fault: 'this line has no value', hint: 'write `Name = value`' }
  const [, name = '', value = ''] = match
  const read = Object.entries(DIRECTIVES).find(([each]) => each.toLowerCase() === name.toLowerCase())
  if (read !== undefined) return read[1](value)
  const meant = nearest(name, Object.keys(DIRECTIVES))
  const hint = meant === undefined ? `one of ${Object.keys(DIRECTIVES).join(', ')}` : `did you mean ${meant}?`
  return { fault: `unknown directive ${quote(name)}`, hint }
}
