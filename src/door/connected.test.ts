// Goal: a connection extends the openings of this host, and none that another host reported.
import { expect, test } from 'vitest'
import type { Hold } from '../state/opening.ts'
import { endsAsOwn, keptHolds, ownLeft } from './connected.ts'

const NOW = { wall: 1_000_000, boot: undefined, bootNow: undefined }
const hold = (holder: string, leftMs: number): Hold => {
  const { wall } = NOW
  return {
    holder,
    user: undefined,
    since: wall - 1_000_000,
    until: wall + leftMs,
    boot: undefined,
    bootUntil: undefined,
  }
}
const OWN = hold('totp:k:alice', 5_000)
const TOLD = hold('totp:k:alice@bastion/x', 60_000)
const DEADLINE = { since: NOW.wall, until: NOW.wall + 15_000, boot: undefined, bootUntil: undefined }

test('the time that counts is that of the holds of this host', () => {
  expect(ownLeft([OWN, TOLD], NOW)).toBe(5_000)
  expect(ownLeft([TOLD], NOW)).toBe(0)
  expect(ownLeft([hold('hand', 7_000), OWN], NOW)).toBe(7_000)
  // Records of an earlier version have no holder.
  expect(ownLeft([{ ...OWN, holder: undefined }], NOW)).toBe(5_000)
})

test('what another host told of keeps its deadline', () => {
  const { holds, kept, isAll } = keptHolds([OWN, TOLD], DEADLINE, NOW)
  expect(holds).toEqual([TOLD, { ...OWN, ...DEADLINE }])
  expect(kept).toEqual([{ ...OWN, ...DEADLINE }])
  expect(isAll).toBe(false)
  expect(keptHolds([OWN], DEADLINE, NOW)).toMatchObject({ isAll: true, holds: [{ until: DEADLINE.until }] })
})

test('a hold of this host that ended before the other one is not revived at its end', () => {
  expect(endsAsOwn([OWN, TOLD])).toBe(false)
  expect(endsAsOwn([hold('hand', 70_000), TOLD])).toBe(true)
  expect(endsAsOwn([TOLD])).toBe(false)
})
