import { X509Certificate } from 'node:crypto'
import type { EtcdAccess } from '../etcd/access.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { shellWord } from '../text/shell-word.ts'
import { joinAgain } from './missing-file.ts'
import type { OperatorSettings } from './settings.ts'

/** Milliseconds before its end from which on a certificate is to be renewed: 14 days. */
export const EXPIRES_SOON_MS = 14 * 86_400_000
/** Most characters of a certificate's time that are shown: up to the minute. */
const MINUTE_CHARS = 16

/** A certificate that is to be renewed. */
export interface CertificateProblem {
  /** `own`: that of this host or operator. `authority`: that of CA_File. */
  readonly of: 'own' | 'authority'
  /** True if etcd refuses it, or has its own refused, from the next connection on. */
  readonly isFault: boolean
  /** The problem, with its remedy. */
  readonly message: string
}

type Place = Pick<OperatorSettings, 'fleet' | 'host' | 'paths'>

/**
 * Judges the certificates with which etcd is reached, by their times.
 *
 * @param now the time in milliseconds since 1970
 */
export function judgeCertificates(
  { ca, cert }: Pick<EtcdAccess, 'ca' | 'cert'>,
  place: Place,
  now: number,
): readonly CertificateProblem[] {
  const { host = '', fleet, paths } = place
  const own = certificatesIn(cert)[0]
  const renewal =
    host === ''
      ? `move it and its key away, then postern fleet init ${shellWord(fleet)}`
      : `to renew it, ${joinAgain(host)}, and restart knockd`
  return [
    ...judged('own', `the certificate of this ${host === '' ? 'operator' : 'host'}`, paths.certFile, own, renewal, now),
    ...judged('authority', "the certificate of the fleet's authority", paths.caFile, lastOf(ca, now), RENEW_CA, now),
  ]
}

/** Returns the time in milliseconds since 1970 at which a certificate in PEM ends; `undefined`: it cannot be read. */
export function endOf(cert: string): number | undefined {
  const [own] = certificatesIn(cert)
  return own === undefined ? undefined : Date.parse(own.validTo)
}

/** Formats the end of a certificate, or another time of one, in milliseconds since 1970. */
export function dayText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, MINUTE_CHARS).replace('T', ' ')} UTC`
}

const RENEW_CA = 'an operator renews it, as "Renew certificates" in doc/fleet.md shows'

function judged(
  of: CertificateProblem['of'],
  what: string,
  path: string,
  certificate: X509Certificate | undefined,
  renewal: string,
  now: number,
): readonly CertificateProblem[] {
  const problem = (isFault: boolean, message: string): readonly CertificateProblem[] => [
    { of, isFault, message: `${what} (${path}) ${message}` },
  ]
  if (certificate === undefined) return problem(true, `cannot be read: ${renewal}`)
  const [from, until] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  if (now < from)
    return problem(true, `is valid from ${dayText(from)} on: this clock is behind: ${REMEDIES.keepClock()}`)
  if (now >= until) return problem(true, `expired on ${dayText(until)}: ${renewal}`)
  return now >= until - EXPIRES_SOON_MS ? problem(false, `expires on ${dayText(until)}: ${renewal}`) : []
}

/** Returns the authority that is valid for longest; while one is renewed, the file has the old one, too. */
function lastOf(ca: string, now: number): X509Certificate | undefined {
  const all = certificatesIn(ca)
  const begun = all.filter(({ validFrom }) => Date.parse(validFrom) <= now)
  const byEnd = (begun.length === 0 ? all : begun).toSorted((one, other) => {
    return Date.parse(other.validTo) - Date.parse(one.validTo)
  })
  return byEnd[0]
}

/** Reads the certificates of a file in PEM; those that cannot be read are left out. */
function certificatesIn(text: string): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)]
    } catch {
      return []
    }
  })
}
