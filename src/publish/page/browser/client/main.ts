// The script of a client's page for codes and fixed sequences. Its elements are made by src/publish/page/client-page.ts.
import { Client } from './client.ts'

new Client(undefined).start()
