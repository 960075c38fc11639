import type { Output } from '../../cli/output.ts'
import { SERVER_KEY_FILE } from './arguments.ts'
import type { SpaKeyArguments } from './arguments.ts'
import { spaKey } from './spa-key.ts'
import type { SpaSurroundings } from './spa-key.ts'

const KEY = {
  kind: 'server',
  heading: '# Secret key of this server for single packets (postern keygen server).',
  file: () => SERVER_KEY_FILE,
} as const

/**
 * Runs `postern keygen server`: makes the secret key, and prints the public key as clients need it.
 *
 * @returns the exit code
 */
export async function server(asked: SpaKeyArguments, output: Output, here?: SpaSurroundings): Promise<number> {
  return await spaKey(KEY, asked, output, here, (publicText, file, { hostname }) => {
    return `the secret key is in ${file}

for ~/.config/postern/config of each client:

    [${hostname()}]
    Server_Key = ${publicText}
    Door = …
`
  })
}
