// Goal: a used sequence stays used: the mark of a sequence without sizes is the one that older versions wrote.
import { expect, test } from 'vitest'
import { ICMP, TCP, UDP } from '../packet/packet.ts'
import { sharedMark, usedMark } from './used-mark.ts'

test('the mark without sizes is the old one, and each size has another mark', () => {
  const old = usedMark('ssh', [
    { protocol: TCP, port: 7301 },
    { protocol: UDP, port: 8822 },
  ])
  // echo -en 'ssh\\n7301/6\\n8822/17' | sha256sum | head -c 32 | xxd -r -p | base64 | tr +/ -_
  expect(old).toBe('4XaOqVHwPJrbTyinn13Q-w')
  const marks = [undefined, 0, 1].map((size) => usedMark('ssh', [{ protocol: UDP, port: 8822, size }]))
  const pings = [0, 1].map((size) => usedMark('ssh', [{ protocol: ICMP, port: 0, size }]))
  expect(new Set([...marks, ...pings]).size).toBe(5)
})

test('a sequence has one shared mark for all doors, which differs from its mark at each door', () => {
  const knocks = [{ protocol: TCP, port: 7301 }] as const
  const marks = ['ssh', 'web', 'any'].map((door) => usedMark(door, knocks))
  expect(new Set([...marks, sharedMark(knocks), sharedMark([{ protocol: UDP, port: 7301 }])]).size).toBe(5)
})
