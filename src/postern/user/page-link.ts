import { Failure, UsageError } from '../../cli/fault.ts'
import type { Door } from '../../config/config.ts'
import { codeOf } from '../../config/secret.ts'
import { TCP } from '../../packet/packet.ts'
import { decodeProfile, encodeProfile } from '../../publish/client-profile.ts'
import type { ClientMeans } from '../../publish/client-profile.ts'
import { readKnockHost } from '../../publish/knock-host.ts'
import { quote } from '../../text/fault.ts'
import type { TotpSecret } from '../../totp/secret.ts'
import type { Enrolment, For } from './enrolment.ts'
import type { Target } from './targets.ts'

/** Refuses a page that cannot hold the secrets, before any is made. @throws UsageError */
export function checkPage(targets: readonly Pick<Target, 'kind' | 'doors'>[], to: For): void {
  const own = targets.filter(({ kind }) => kind !== 'spa')
  if (own.length === 0) throw new UsageError('--page is for codes and sequences', 'leave it out')
  if (readKnockHost(to.host) === undefined) {
    throw new UsageError(
      `a page cannot knock at ${quote(to.host)}`,
      'name this machine by DNS name or address: --issuer HOST',
    )
  }
  for (const door of own.flatMap(({ doors }) => doors)) {
    const [, fragment = ''] = pageLink({ kind: 'totp', secret: LONGEST, doors: [door] }, door, to, '')!.split('#')
    const read = decodeProfile(fragment)
    if (!('message' in read)) continue
    throw new Failure(`no link can have the secret for door ${quote(door.name)}: it ${read.message}`, 'without --page')
  }
}

/** A secret of the longest kind, to see if a link can have it. */
const LONGEST: TotpSecret = { key: new Uint8Array(64), algorithm: 'SHA512', digits: 8, periodS: 3_600 }

/** Returns the host of a page's address: a page knocks at one host alone, most often its own. */
export function hostOf(page: string): string {
  const { hostname } = new URL(page)
  return readKnockHost(hostname)?.name ?? hostname
}

/** Returns a warning about the address of a page; `undefined`: it needs no warning. */
export function pageDoubt(page: string): string | undefined {
  if (!page.startsWith('http:')) return undefined
  return 'the page comes over plain http: anybody on the way can change the page, and take the secret\n  serve it over https'
}

/**
 * Returns a link to the served page, with the secret of a user in its fragment, which browsers send to no server (RFC
 * 9110, 7.1). `undefined`: the page cannot knock with such a secret. The host is a DNS name or an address.
 */
export function pageLink(enrolment: Enrolment, door: Door, { name, host }: For, page: string): string | undefined {
  const means = meansOf(enrolment, door)
  const known = readKnockHost(host)
  if (means === undefined || known === undefined) return undefined
  return `${page}#${encodeProfile({ host: known.name, service: portOf(door), door: door.name, user: name, means })}`
}

/** The door's own knocks come first. */
function meansOf(enrolment: Enrolment, { secret }: Door): ClientMeans | undefined {
  const before = codeOf(secret)?.before ?? []
  if (enrolment.kind === 'totp') return { kind: 'codes', secret: enrolment.secret, before }
  return enrolment.kind === 'sequence' ? { kind: 'sequence', knocks: [...before, ...enrolment.knocks] } : undefined
}

/** Returns the first TCP port of this machine that the door opens, at which the page can look. */
function portOf({ opens }: Door): number | undefined {
  return opens.find(({ protocol, host }) => protocol === TCP && host === undefined)?.first
}
