import { readFileSync } from 'node:fs'
import { TCP, type Protocol } from '../packet/packet.ts'
import { servicesFile } from './places.ts'

/** Finds a service's port in a text in the format of services(5): `name port/protocol alias... # comment`. */
export function findService(text: string, name: string, protocol: Protocol): number | undefined {
  const suffix = protocol === TCP ? '/tcp' : '/udp'
  for (const line of text.split('\n')) {
    const [official, port, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (port === undefined || !port.endsWith(suffix)) continue
    if (official === name || aliases.includes(name)) return Number.parseInt(port, 10)
  }
  return undefined
}

/** Returns a service's port on this machine, or `undefined` if it is unknown. */
export function servicePort(name: string, protocol: Protocol): number | undefined {
  let text: string
  try {
    text = readFileSync(servicesFile(), 'utf8')
  } catch {
    return undefined
  }
  return findService(text, name, protocol)
}
