// Goal: every authenticator keeps the contract: a secret is used once, durably, and judged by the present files.
import { join } from 'node:path'
import type { GateSequence } from '../gate/sequence.ts'
import type { Claim } from './authenticator.ts'
import { knock, testContract } from '../../test/secret/contract.ts'
import type { Fixture, Tested } from '../../test/secret/contract.ts'
import { GeneratedAuthenticator } from './generated-authenticator.ts'
import { OneTimeAuthenticator } from './one-time-authenticator.ts'
import { CodeAuthenticator, UsersAuthenticator } from './people-authenticator.ts'
import { SequenceAuthenticator } from './sequence-authenticator.ts'

const path = (folder: string): string => join(folder, 'file')

/** Finds the sequence again by its knocks, as a new start makes new ones. */
async function sameKnocks({ authenticator }: Tested, claim: Claim<unknown>): Promise<Claim<unknown> | undefined> {
  const text = JSON.stringify((claim.proof as GateSequence).knocks)
  const proof = [...authenticator.sequences()].find(({ knocks }) => JSON.stringify(knocks) === text)
  return await Promise.resolve(proof === undefined ? undefined : { ...claim, proof })
}

const gate: Pick<Fixture, 'claim' | 'again'> = {
  claim: async (tested, which) => await knock(tested, which === 'first' ? 0 : 1),
  again: sameKnocks,
}
/** The gate knows one sequence of a list at a time: the second one is the first once that is used. */
const list: Pick<Fixture, 'claim' | 'again'> = { ...gate, claim: async (tested) => await knock(tested, 0) }

testContract('a fixed sequence', {
  ...list,
  make: (deps) => new SequenceAuthenticator(deps),
  lines: () => 'Sequence = 7431,8020,6001',
  otherLines: () => 'Sequence = 7431,8020,6002',
  once: false,
})

testContract('a list of one-time sequences', {
  ...list,
  make: (deps) => new OneTimeAuthenticator(deps),
  lines: (folder) => `One_Time_Sequences = ${path(folder)}`,
  file: { path, both: ' 7431,8020\n 9123,6001\n 5001,5002\n', second: ' 9123,6001\n 5001,5002\n' },
  once: true,
  opensWithoutFile: false,
})

testContract('a list that the daemon makes', {
  ...list,
  make: (deps) => new GeneratedAuthenticator(deps),
  lines: () => 'One_Time_Sequences = generate\nSequence_Count = 5',
  revoke: async ({ authenticator }) => {
    // The first list is still valid after one.
    for (let round = 0; round < 2; round++) await (authenticator as GeneratedAuthenticator).rotate('d')
  },
  once: true,
})

const KEYS = ['GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U']
testContract('codes of one secret', {
  ...gate,
  make: (deps) => new CodeAuthenticator(deps),
  lines: (folder) => `TOTP_Secret_File = ${path(folder)}`,
  file: { path, both: `${KEYS[0]}\n`, second: `${KEYS[1]}\n`, faulty: 'no key at all\n' },
  once: true,
})

testContract('users', {
  hasUsers: true,
  ...gate,
  make: (deps) => new UsersAuthenticator(deps),
  lines: (folder) => `Users = ${path(folder)}`,
  file: { path, both: 'alice 7431,8020\nbob 6001,6002\n', second: 'bob 6001,6002\n', faulty: 'alice 7431,x\nbob x\n' },
  once: false,
})

testContract('users with codes', {
  hasUsers: true,
  make: (deps) => new UsersAuthenticator(deps),
  lines: (folder) => `Users = ${path(folder)}`,
  file: {
    path,
    both: `alice ${KEYS[0]}\nbob ${KEYS[1]}\n`,
    second: `bob ${KEYS[1]}\n`,
    faulty: 'alice no key\nbob no key\n',
  },
  claim: async (tested, which) => {
    const user = which === 'first' ? 'alice' : 'bob'
    const index = [...tested.authenticator.sequences()].findIndex((sequence) => sequence.user === user)
    return await knock(tested, index)
  },
  again: sameKnocks,
  once: true,
})
