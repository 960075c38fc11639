import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { PUBLIC, SECRET } from '../file/policy.ts'
import type { FilePolicy } from '../file/policy.ts'

/** The directives of fleet.conf(5) that name files, in lower case, with their defaults and who may read them. */
const FILES: Readonly<Record<string, { readonly path: string | undefined; readonly policy: FilePolicy }>> = {
  ca_file: { path: 'ca.crt', policy: PUBLIC },
  cert_file: { path: 'host.crt', policy: PUBLIC },
  key_file: { path: 'host.key', policy: SECRET },
  sign_key_file: { path: 'sign.key', policy: SECRET },
  fleet_key_file: { path: 'fleet.key', policy: SECRET },
  login_file: { path: undefined, policy: SECRET },
}
const LINE = /^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$/gm

/** A file of a fleet, and its policy. */
export interface FleetFile {
  readonly path: string
  readonly policy: FilePolicy
}

/**
 * Returns the files of a host's place in a fleet: fleet.conf, and those that it names, as far as it can be read. Faults of its
 * lines are for its own reader to tell.
 *
 * @param file the `Fleet` of a config; `undefined`: it has none
 */
export function fleetFiles(file: string | undefined): readonly FleetFile[] {
  if (file === undefined) return []
  const given = new Map(
    Array.from(textOf(file).matchAll(LINE), ([, name = '', path = '']) => [name.toLowerCase(), path]),
  )
  const named = Object.entries(FILES).flatMap(([name, { path, policy }]): readonly FleetFile[] => {
    const found = given.get(name) ?? path
    return found === undefined ? [] : [{ path: resolve(dirname(file), found), policy }]
  })
  return [{ path: file, policy: PUBLIC }, ...named]
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
