import { X509Certificate, createPrivateKey } from 'node:crypto'
import type { EtcdAccess } from '../../../etcd/access.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import type { Finding } from '../finding.ts'

/** Milliseconds before its end from which on a certificate has to be renewed. */
const SOON_MS = 30 * 86_400_000

/**
 * Finds faults of this host's certificate for etcd.
 *
 * @param now the time in milliseconds since 1970
 */
export function judgeCertificate({ cert, key, login }: EtcdAccess, now: number): readonly Finding[] {
  const fix = REMEDIES.readOfJoin()
  const finding = (severity: 'fault' | 'warning', message: string): Finding => ({
    severity,
    subject: 'fleet',
    message,
    fix,
  })
  let read: X509Certificate
  try {
    read = new X509Certificate(cert)
    if (!read.checkPrivateKey(createPrivateKey(key))) {
      return [finding('fault', "this host's certificate for etcd is of another key: join anew, or copy both again")]
    }
  } catch {
    return [finding('fault', "this host's certificate for etcd, or its key, cannot be read: join anew")]
  }
  const findings: Finding[] = []
  const [from, until] = [Date.parse(read.validFrom), Date.parse(read.validTo)]
  if (now < from)
    findings.push(
      finding('fault', `this host's certificate for etcd is valid from ${read.validFrom}: its clock is behind`),
    )
  if (now > until) {
    findings.push(
      finding(
        'fault',
        `this host's certificate for etcd expired on ${read.validTo}: an operator invites it again (--replace)`,
      ),
    )
  } else if (now > until - SOON_MS) {
    findings.push(
      finding(
        'warning',
        `this host's certificate for etcd expires on ${read.validTo}: an operator invites it again (--replace)`,
      ),
    )
  }
  if (/^CN=/m.test(read.subject ?? '')) {
    const name = "this host's certificate for etcd has a common name (CN)"
    findings.push(
      login === undefined
        ? finding(
            'warning',
            `${name}: with access control, etcd's gateway would refuse it; use one with a subjectAltName alone`,
          )
        : finding(
            'fault',
            `${name}: with access control, etcd's gateway refuses it; use one with a subjectAltName alone`,
          ),
    )
  }
  return findings
}
