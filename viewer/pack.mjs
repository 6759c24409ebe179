// Copies the two libraries of the viewer, with their licences, to where the Python package has its static files.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const modules = join(here, 'node_modules')
const target = join(here, '..', 'src', 'maskwright', 'serving', 'static', 'vendor')
await mkdir(target, { recursive: true })

// Of NiiVue's files this one imports nothing and fetches nothing. Its map is not packed.
const niivue = await readFile(join(modules, '@niivue', 'niivue', 'dist', 'index.js'), 'utf8')
await writeFile(join(target, 'niivue.js'), niivue.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))

const swagger = join(modules, 'swagger-ui-dist')
for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) await copyFile(join(swagger, name), join(target, name))

const versions = {}
for (const name of ['@niivue/niivue', 'swagger-ui-dist']) {
  versions[name] = JSON.parse(await readFile(join(modules, name, 'package.json'), 'utf8')).version
}
const parts = [
  `NiiVue ${versions['@niivue/niivue']} (niivue.js)\n\n${await readFile(join(here, 'niivue-licence.txt'), 'utf8')}`,
  `Swagger UI ${versions['swagger-ui-dist']} (swagger-ui-bundle.js, swagger-ui.css)\n`,
  await readFile(join(swagger, 'NOTICE'), 'utf8'),
  await readFile(join(swagger, 'LICENSE'), 'utf8'),
]
await writeFile(join(target, 'LICENCES.txt'), parts.join('\n'))
