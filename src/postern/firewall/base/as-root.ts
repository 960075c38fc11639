import type { Run } from '../../../cli/command.ts'
import { Failure, failed } from '../../../cli/fault.ts'

/** Returns a loader of a command that needs root. Whatever it throws is printed without a stack. */
export function asRoot<A>(name: string, load: () => Promise<Run<A>>): () => Promise<Run<A>> {
  return async () => async (asked, output) => {
    if (process.geteuid?.() === 0) return await (await reported(load)())(asked, output)
    throw new Failure('only root can read and change the firewall', `sudo postern firewall ${name}`)
  }
}

/** Returns a loader of a command. Whatever it throws is printed without a stack. */
export function reported<A>(load: () => Promise<Run<A>>): () => Promise<Run<A>> {
  return async () => async (asked, output) => {
    try {
      return await (
        await load()
      )(asked, output)
    } catch (error) {
      const { MissingLibraryError } = await import('../../../native/library.ts')
      const { NftablesError } = await import('../../../native/nftables.ts')
      const unchanged = error instanceof NftablesError || error instanceof MissingLibraryError
      return failed(unchanged ? new Failure(error.message, 'nothing has changed') : error, output)
    }
  }
}
