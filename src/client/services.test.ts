// Goal: the name of a service is found as in services(5), and other names are not found.
import { expect, test } from 'vitest'
import { TCP, UDP, type Protocol } from '../packet/packet.ts'
import { findService } from './services.ts'

const TEXT = `# services
ssh\t\t22/tcp\t\t\t\t# SSH Remote Login Protocol
domain          53/tcp
domain          53/udp    nameserver ns
  # www 81/tcp
http\t\t80/tcp\t\twww #w3
broken
`

test.each<[string, Protocol, number | undefined]>([
  ['ssh', TCP, 22],
  ['ssh', UDP, undefined],
  ['ns', UDP, 53],
  ['ns', TCP, undefined],
  ['www', TCP, 80],
  ['w3', TCP, undefined],
  ['broken', TCP, undefined],
  ['#', TCP, undefined],
  ['', TCP, undefined],
])('%s', (name, protocol, port) => {
  expect(findService(TEXT, name, protocol)).toBe(port)
})
