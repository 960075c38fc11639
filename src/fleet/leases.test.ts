// Goal: claims that share a lease do not share the time limit of one of them.
import { EventEmitter, once } from 'node:events'
import { expect, test } from 'vitest'
import { EtcdUnavailable } from '../etcd/client.ts'
import { Leases } from './leases.ts'

const UNTIL = 1_700_000_000_000
const NO_ANSWER = new EtcdUnavailable('no-answer', 'no answer of etcd within 0.1 s')

function leftOf(ms: number): () => number {
  const end = performance.now() + ms
  return () => end - performance.now()
}

function leasesOf(...answers: readonly Promise<string>[]) {
  const left = [...answers]
  return new Leases({ grant: async () => await left.shift()! }, () => UNTIL - 60_000, 0)
}

test('a claim is not refused because the one that asked for their lease had less time left', async () => {
  const etcd = new EventEmitter()
  const first = once(etcd, 'answer').then(() => {
    throw NO_ANSWER
  })
  const leases = leasesOf(first, Promise.resolve('2'))
  const both = Promise.allSettled([leases.lasting(UNTIL, () => 100), leases.lasting(UNTIL, () => 2_000)])
  etcd.emit('answer')
  expect(await both).toEqual([
    { status: 'rejected', reason: NO_ANSWER },
    { status: 'fulfilled', value: '2' },
  ])
})

test('nor does it wait longer than it may for the lease of one that had more', async () => {
  const etcd = new EventEmitter()
  const first = once(etcd, 'answer').then(() => '1')
  const leases = leasesOf(first)
  const patient = leases.lasting(UNTIL, () => 3_000)
  await expect(leases.lasting(UNTIL, leftOf(20))).rejects.toThrow(EtcdUnavailable)
  etcd.emit('answer')
  expect(await patient).toBe('1')
  expect(await leases.lasting(UNTIL, () => 20)).toBe('1')
})
