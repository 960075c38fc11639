// The script of a client's page for doors that publish a list, with age.
import { standInForSubtle } from '../insecure-context.ts'
import { Client } from './client.ts'
import { openPublished } from './list-means.ts'

standInForSubtle()
new Client(openPublished).start()
