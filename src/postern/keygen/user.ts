import { UsageError } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { keyFileDefault } from '../../client/spa/postern.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { readUsers } from '../../spa/noise/users.ts'
import type { UserKeyArguments } from './arguments.ts'
import { HERE, spaKey } from './spa-key.ts'
import type { SpaSurroundings } from './spa-key.ts'

const KEY = {
  kind: 'user',
  heading: '# Secret key of a user for single packets (postern keygen user). Keep it to yourself.',
  file: keyFileDefault,
} as const

/**
 * Runs `postern keygen user`: makes the secret key, and prints the public key as the server needs it.
 *
 * @returns the exit code
 * @throws UsageError, before anything is written, if the server cannot read the name
 */
export async function user(asked: UserKeyArguments, output: Output, here: SpaSurroundings = HERE): Promise<number> {
  const name = asked.name ?? `${here.username()}@${here.hostname()}`
  checkName(name)
  return await spaKey(KEY, asked, output, here, (publicText, file) => {
    return `the secret key is in ${file}

a line for the server's file of users; options come before the key, as in
\`doors=ssh open-for=1h\`:

    ${publicText} ${name}
`
  })
}

/** Refuses a name that the server cannot read. @throws UsageError */
function checkName(name: string): void {
  const [fault] = readUsers(`${formatKey('postern-user', new Uint8Array(32))} ${name}`).faults
  if (/[\r\n]/.test(name)) throw new UsageError('the name has more than one line')
  if (fault !== undefined) throw new UsageError(fault.message, fault.hint)
}
