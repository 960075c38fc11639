import { parseDuration } from '../../config/duration.ts'
import { quote } from '../../config/fault.ts'
import { parseSequence } from '../../config/sequence.ts'
import type { Knock } from '../../config/config.ts'
import type { Family } from '../../packet/address.ts'
import { readPorts } from '../../peer/fwknop/request.ts'
import type { Port } from '../../peer/fwknop/request.ts'
import { CLAIM_OPEN_MAX_S } from '../../spa/noise/claim.ts'
import { readKeyText } from '../../spa/noise/key-text.ts'
import { RETRY_MAX } from '../arguments.ts'
import { UsageError } from '../fault.ts'
import { isAddress, readListAddress } from '../published/list-address.ts'
import { parseClaim } from './arguments.ts'
import type { Claim } from './request.ts'

/** The way to open a host: knocks, the next sequence of a published list, or a single packet. */
export type Way = 'knocks' | 'list' | 'packet'

/** The longest pause between two knocks in milliseconds. ssh waits in the meantime. */
export const HOST_DELAY_MAX_MS = 60_000
/** The shortest and longest wait for a port to open, in milliseconds. */
export const WAIT_MIN_MS = 100
export const WAIT_MAX_MS = 600_000

const PORT_MAX = 65_535

/** The settings in ~/.config/postern/config for one host. Unset directives are absent. */
export interface HostSettings {
  /** The name or address to send to (default: the requested host). */
  readonly host?: string
  readonly port?: number
  readonly family?: Family
  /** The server's public key. */
  readonly serverKey?: Uint8Array
  /** The file of the user's secret key. */
  readonly keyFile?: string
  readonly door?: string
  readonly access?: readonly Port[]
  readonly openS?: number
  readonly claim?: Claim
  readonly knocks?: readonly Knock[]
  /** The file with the secret of time-based codes. */
  readonly totpFile?: string
  /** The address or file of the published list. */
  readonly from?: URL | string
  /** Files of age identities that can decrypt the list. */
  readonly identities?: readonly string[]
  readonly passphraseFile?: string
  /** Milliseconds between two knocks. */
  readonly delayMs?: number
  /** Milliseconds to wait for the port to open after each round. */
  readonly waitMs?: number
  /** The most rounds after the first, while the port is not open. */
  readonly retry?: number
  /** True to check first whether the port is open without a knock. */
  readonly tryFirst?: boolean
}

/** The setting of one line, or its fault. */
export type LineRead = HostSettings | { readonly fault: string; readonly hint: string }

/** A directive of the file. */
export interface Directive {
  /** The ways that the directive belongs to (default: all). */
  readonly ways?: readonly Way[]
  /** True if the directive by itself selects the way. */
  readonly opens?: true
  /** True if a section may contain it more than once. */
  readonly repeats?: true
  readonly read: (text: string) => LineRead
}

/** The directives by their names in the manual. */
export const HOST_DIRECTIVES: Readonly<Record<string, Directive>> = {
  Host: { read: (host) => ({ host }) },
  Family: {
    read: (text) => {
      if (text === '4' || text === '6') return { family: text === '4' ? 4 : 6 }
      return { fault: `${quote(text)} is not a family`, hint: '4 or 6; without the line both are used' }
    },
  },
  Wait: {
    read: (text) => {
      const read = parseDuration(text, WAIT_MIN_MS, WAIT_MAX_MS)
      return 'ms' in read ? { waitMs: read.ms } : { fault: `${quote(text)} ${read.message}`, hint: read.hint }
    },
  },
  Try_First: {
    read: (text) => {
      const tryFirst = /^yes$/i.test(text)
      return tryFirst || /^no$/i.test(text)
        ? { tryFirst }
        : { fault: `${quote(text)} is neither yes nor no`, hint: 'yes: look first whether the port is open already' }
    },
  },
  Retry: {
    read: (text) => {
      const retry = readNumber(text, 0, RETRY_MAX)
      return retry === undefined ? { fault: `${quote(text)} is not a count`, hint: `0 to ${RETRY_MAX}` } : { retry }
    },
  },
  Knock: {
    ways: ['knocks'],
    opens: true,
    read: (text) => {
      const { knocks, faults } = parseSequence(text)
      const [fault] = faults
      return fault === undefined ? { knocks } : { fault: fault.message, hint: fault.hint }
    },
  },
  TOTP_File: { ways: ['knocks'], opens: true, read: (totpFile) => ({ totpFile }) },
  From: {
    ways: ['list'],
    opens: true,
    read: (text) => {
      if (!isAddress(text)) return { from: text }
      const read = readListAddress(text)
      return 'url' in read ? { from: read.url } : { fault: read.message, hint: read.hint }
    },
  },
  Identity: { ways: ['list'], repeats: true, read: (file) => ({ identities: [file] }) },
  Passphrase_File: { ways: ['list'], read: (passphraseFile) => ({ passphraseFile }) },
  Delay: {
    ways: ['knocks', 'list'],
    read: (text) => {
      const read = parseDuration(text, 0, HOST_DELAY_MAX_MS)
      return 'ms' in read ? { delayMs: read.ms } : { fault: `${quote(text)} ${read.message}`, hint: read.hint }
    },
  },
  Port: {
    ways: ['packet'],
    read: (text) => {
      const port = readNumber(text, 1, PORT_MAX)
      return port === undefined ? { fault: `${quote(text)} is not a port`, hint: `1 to ${PORT_MAX}` } : { port }
    },
  },
  Server_Key: {
    ways: ['packet'],
    opens: true,
    read: (text) => {
      const read = readKeyText(text, 'postern-server')
      return 'key' in read ? { serverKey: read.key } : { fault: `the key ${read.message}`, hint: read.hint }
    },
  },
  Key_File: { ways: ['packet'], read: (keyFile) => ({ keyFile }) },
  Door: { ways: ['packet'], opens: true, read: (door) => ({ door }) },
  Access: {
    ways: ['packet'],
    opens: true,
    read: (text) => {
      const access = readPorts(text)
      if (access !== undefined) return { access }
      return { fault: `${quote(text)} is not a list of ports`, hint: 'as in tcp/22,udp/53' }
    },
  },
  Open_For: {
    ways: ['packet'],
    read: (text) => {
      const read = parseDuration(text, 1_000, CLAIM_OPEN_MAX_S * 1_000)
      if ('ms' in read) return { openS: Math.ceil(read.ms / 1_000) }
      return { fault: `${quote(text)} ${read.message}`, hint: read.hint }
    },
  },
  Claim: {
    ways: ['packet'],
    read: (text) => {
      try {
        return { claim: parseClaim(text) }
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        return { fault: `${quote(text)} is not an address`, hint: error.hint }
      }
    },
  },
}

/** Aliases of directives. */
export const HOST_ALIASES: Readonly<Record<string, string>> = { Host_Name: 'Host' }

function readNumber(text: string, min: number, max: number): number | undefined {
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
  return number >= min && number <= max ? number : undefined
}
