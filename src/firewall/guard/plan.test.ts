// Goal: packets from unknown sources are redirected to a port at which no program answers.
import { expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { planOf } from './plan.ts'

function closedPort(guard: string, served: readonly number[]): number | undefined {
  const { config } = readConfig(`[options]\nGuard = ${guard}\n[x]\nSequence = 1,2\nCommand = true\n`, 'test')
  return planOf(config!, (port) => served.includes(port))?.closedPort
}

test('neither served nor guarded', () => {
  expect(closedPort('tcp/22', [])).toBe(1)
  expect(closedPort('tcp/1-3', [4, 5])).toBe(6)
})

test('where all are guarded, not one that is served', () => {
  expect(closedPort('tcp/1-65535', [1, 22, 1023])).toBe(2)
})

test('a config that names no port', () => {
  const { config } = readConfig('[x]\nSequence = 1,2\nCommand = true\n', 'test')
  expect(planOf(config!, () => false)).toBeUndefined()
})

const door = (kind: string): string => `${kind}\nOpen_Ports = tcp/22\nForward_To = tcp/8080, tcp/22@198.51.100.7\n`
const planned = (text: string): number => planOf(readConfig(text, 'test').config!, () => false)!.forwardTo.length

test('only packets of fwknop are sent on, to where doors say', () => {
  expect(planned(door('[a]\nSPA = fwknop\nAccess_File = /x'))).toBe(2)
  expect(planned(door('[a]\nSPA = fwknop\nFwknop_Keys = /x'))).toBe(2)
  expect(planned(door('[a]\nSPA = postern\nSPA_Users = /x'))).toBe(0)
  expect(planned(door('[a]\nSequence = 1,2'))).toBe(0)
})
