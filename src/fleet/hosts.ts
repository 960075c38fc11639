import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isRecord } from '../text/record.ts'
import { valueOf } from '../text/read.ts'
import { ALL_HOSTS } from '../config/config.ts'
import { readFleetName } from '../config/value.ts'

/** Most hosts of a fleet. */
export const HOSTS_MAX = 2_000
/** The bytes of DER that precede the 32 of an Ed25519 public key (RFC 8410, 4). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const KEY_BYTES = 32

/** A host of the fleet. */
export interface FleetHost {
  readonly name: string
  readonly groups: readonly string[]
  /** The Ed25519 key with which it signs, 32 bytes in base64. */
  readonly key: string
}

/** The hosts of the fleet, in the document that an operator signs. */
export interface HostsDocument {
  /** Only a higher version is accepted. */
  readonly version: number
  readonly hosts: readonly FleetHost[]
}

/** Reads the content of the document. `undefined`: it is something else. */
export function readHosts(body: unknown): HostsDocument | undefined {
  if (!isRecord(body) || !Array.isArray(body['hosts'])) return undefined
  const { version } = body
  const hosts: readonly unknown[] = body['hosts']
  if (!isVersion(version) || hosts.length > HOSTS_MAX || !hosts.every(isHost)) return undefined
  const names = new Set(hosts.map(({ name }) => name))
  return names.size === hosts.length ? { version, hosts } : undefined
}

/** Returns true if a host is in one of the groups. */
export function isInGroups({ groups }: FleetHost, wanted: readonly string[]): boolean {
  return wanted.some((group) => group === ALL_HOSTS || groups.includes(group))
}

/** Returns true for a version of a document. */
export function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

/** Returns an Ed25519 public key from its 32 bytes in base64; `undefined`: the text is no key. */
export function publicKeyOf(text: string): KeyObject | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== text) return undefined
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' })
}

/** Returns the 32 bytes of an Ed25519 public key in base64. The key may be the private one. */
export function publicKeyText(key: KeyObject): string {
  const spki = createPublicKey(
    key.type === 'private' ? key.export({ format: 'pem', type: 'pkcs8' }) : key.export({ format: 'pem', type: 'spki' }),
  )
  return spki.export({ format: 'der', type: 'spki' }).subarray(SPKI.length).toString('base64')
}

function isHost(value: unknown): value is FleetHost {
  if (!isRecord(value)) return false
  const { name, groups, key } = value
  const isNames = Array.isArray(groups) && groups.every((group) => typeof group === 'string' && isName(group))
  return (
    typeof name === 'string' && isName(name) && isNames && typeof key === 'string' && publicKeyOf(key) !== undefined
  )
}

function isName(text: string): boolean {
  return valueOf(readFleetName(text)) !== undefined
}
