import { X509Certificate, createPrivateKey } from 'node:crypto'
import type { EtcdAccess } from '../../../etcd/access.ts'
import { judgeCertificates } from '../../../fleet/certificates.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import type { Finding } from '../finding.ts'

/**
 * Finds faults of the certificates with which this host reaches etcd.
 *
 * @param now the time in milliseconds since 1970
 */
export function judgeCertificate(
  access: EtcdAccess,
  settings: Parameters<typeof judgeCertificates>[1],
  now: number,
): readonly Finding[] {
  const findings = judgeCertificates(access, settings, now).map(({ of, isFault, message }): Finding => {
    const fix = of === 'own' ? REMEDIES.readOfJoin() : REMEDIES.readOfFleet()
    return finding(isFault ? 'fault' : 'warning', message, fix)
  })
  const { cert, key, login } = access
  let read: X509Certificate
  try {
    read = new X509Certificate(cert)
    if (!read.checkPrivateKey(createPrivateKey(key))) {
      return [finding('fault', "this host's certificate for etcd is of another key: join anew, or copy both again")]
    }
  } catch {
    return [finding('fault', "this host's certificate for etcd, or its key, cannot be read: join anew")]
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

function finding(severity: 'fault' | 'warning', message: string, fix = REMEDIES.readOfJoin()): Finding {
  return { severity, subject: 'fleet', message, fix }
}
