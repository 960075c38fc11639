// Goal: faults of access control, certificates and connections are told apart, and each says what to do.
import { expect, test } from 'vitest'
import { explained } from './advice.ts'
import { answerFault, connectionFault, isFinal } from './unavailable.ts'

test.each([
  [
    'etcdserver: authentication is not enabled',
    'etcd has no access control, and this host has a login for it',
    /Login_File/,
  ],
  [
    'etcdserver: authentication failed, invalid user ID or password',
    'etcd refuses the name, the password or what they may do',
    /^compare Login_File .* etcdctl user grant-role NAME ROLE$/,
  ],
])('%s', (message, reason, hint) => {
  const fault = answerFault(400, message, '')
  expect([fault.kind, fault.reason, isFinal(fault)]).toEqual(['login', reason, true])
  expect(fault.hint).toMatch(hint)
})

test.each([
  ['CERT_HAS_EXPIRED', 'server-certificate', /not trusted: why: renew the certificates of the nodes/],
  ['CERT_NOT_YET_VALID', 'server-certificate', /not trusted: why: the clock of this host is behind: timedatectl/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'server-certificate', /is for another host: the line Etcd in fleet\.conf/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'server-certificate', /CA_File is to have the authority/],
  [
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
    'client-certificate',
    /refuses the certificate of this host: .* not expired/,
  ],
  [
    'ECONNRESET',
    'reset',
    /^connection reset: so etcd answers a certificate that was revoked: if an operator has removed/,
  ],
  ['ECONNREFUSED', 'no-answer', /^connection refused: look whether the nodes run/],
])('%s: %s', (code, kind, words) => {
  const fault = connectionFault(Object.assign(new Error('why'), { code }))
  expect(fault.kind).toBe(kind)
  expect(explained(fault)).toMatch(words)
})
