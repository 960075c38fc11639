// Goal: faults of access control are told apart, and say what to do.
import { expect, test } from 'vitest'
import { answerFault, isFinal } from './unavailable.ts'

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
