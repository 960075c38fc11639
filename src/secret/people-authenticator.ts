import type { UsersInForce } from '../control/message.ts'
import type { AuthenticatorDeps } from './deps.ts'
import { GateAuthenticator } from './gate-authenticator.ts'
import { PeopleDoor } from './people-door.ts'
import { CODE_SECRET, USERS } from './people.ts'
import type { PeopleFormat } from './people.ts'

/** Doors whose secrets are in a file. */
abstract class PeopleAuthenticator<Kind extends 'totp' | 'users'> extends GateAuthenticator<Kind, PeopleDoor> {
  constructor(deps: AuthenticatorDeps, format: PeopleFormat) {
    super((door, before) => new PeopleDoor(door, deps, format, before?.people))
  }

  /** Yields the keys under which the ledger has the used codes of the doors in force. */
  *keys(): Generator<string> {
    for (const door of this.states) yield* door.keys()
  }
}

/** Doors with a file of one secret of time-based codes, for everybody. */
export class CodeAuthenticator extends PeopleAuthenticator<'totp'> {
  constructor(deps: AuthenticatorDeps) {
    super(deps, CODE_SECRET)
  }
}

/** Doors with a file of users, who have a sequence or a secret of time-based codes each. */
export class UsersAuthenticator extends PeopleAuthenticator<'users'> {
  constructor(deps: AuthenticatorDeps) {
    super(deps, USERS)
  }

  readUsers(door: string): UsersInForce | undefined {
    return this.find(door)?.readUsers()
  }
}
