import { readFileSync } from 'node:fs';
import {
  type FieldDefinitionNode,
  type GraphQLError,
  getLocation,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  type StringValueNode,
} from 'graphql';
import type { EntityType } from '../../resolvers/federation.ts';
import { isTallygateError, TallygateError } from '../errors.ts';
import { parseEntityProperty } from '../reports/entities/entities.ts';

/** What each type gets. */
export const reportFields: ReadonlySet<string> = new Set(['trend', 'funnel', 'topValues']);
const longestFile = 1024 * 1024;
const keyTypes = ['ID!', 'String!'];

/** Throws CONFIG_INVALID with every mistake in the file. `isTaken`: names of types that are ours. */
export function readEntityTypes(file: string, isTaken: (name: string) => boolean): EntityType[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TallygateError(
      'CONFIG_INVALID',
      `ENTITIES_FILE: expected a file that can be read, got ${file}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const { types, mistakes } = parseEntityTypes(text, isTaken);
  if (mistakes.length === 0) return types;
  const places = mistakes.map((mistake) => `  - ${file}:${mistake}`).join('\n');
  throw new TallygateError('CONFIG_INVALID', `ENTITIES_FILE: ${mistakes.length} mistakes in it:\n${places}`);
}

/** Mistakes begin with their line and column. */
export function parseEntityTypes(
  text: string,
  isTaken: (name: string) => boolean,
): { types: EntityType[]; mistakes: string[] } {
  const types: EntityType[] = [];
  const mistakes: string[] = [];
  const note = (node: { readonly loc?: ObjectTypeDefinitionNode['loc'] }, message: string) => {
    const { line, column } = node.loc ? getLocation(node.loc.source, node.loc.start) : { line: 1, column: 1 };
    mistakes.push(`${line}:${column}: ${message}`);
  };
  const definitions = parseFile(text, mistakes);
  if (mistakes.length === 0 && definitions.length === 0)
    mistakes.push('1:1: expected types with @key and @entity, got none');
  for (const node of definitions) {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION) {
      note(node, `expected nothing but types, as in type Product @key(fields: "id") ..., got ${shown(print(node))}`);
      continue;
    }
    const before = mistakes.length;
    const type = parseType(node, note);
    const { value: name } = node.name;
    if (isTaken(name)) note(node.name, `expected the name of a type that Tallygate does not have itself, got ${name}`);
    if (name.startsWith('_')) note(node.name, `expected a name that does not begin with _, got ${name}`);
    if (types.some((other) => other.name === name)) note(node.name, `expected each type once, got ${name} again`);
    if (type && mistakes.length === before) types.push(type);
  }
  return { types, mistakes };
}

type Note = (node: { readonly loc?: ObjectTypeDefinitionNode['loc'] }, message: string) => void;

function parseFile(text: string, mistakes: string[]) {
  if (text.length > longestFile) {
    mistakes.push(`1:1: expected at most ${longestFile} characters, got ${text.length}`);
    return [];
  }
  if (text.replaceAll(/#.*/g, '').trim() === '') return [];
  try {
    return parse(text).definitions;
  } catch (thrown) {
    const { locations, message } = thrown as GraphQLError;
    const { line, column } = locations?.[0] ?? { line: 1, column: 1 };
    mistakes.push(`${line}:${column}: expected SDL, got a ${message}`);
    return [];
  }
}

function parseType(node: ObjectTypeDefinitionNode, note: Note): EntityType | null {
  const of = node.name.value;
  for (const each of node.interfaces ?? []) note(each, `${of}: expected no interfaces, got ${each.name.value}`);
  for (const each of node.directives ?? [])
    if (each.name.value !== 'key' && each.name.value !== 'entity')
      note(each, `${of}: expected no directives but @key and @entity, got @${each.name.value}`);
  const key = parseDirective(node, 'key', 'fields', '@key(fields: "id")', note);
  const property = parseDirective(node, 'entity', 'property', '@entity(property: "productId")', note);
  if (property) {
    try {
      parseEntityProperty(property.value, `${of} @entity(property:)`);
    } catch (thrown) {
      if (!isTallygateError(thrown)) throw thrown;
      note(property, thrown.message);
    }
  }
  if (!key) return null;
  const name = key.value.trim();
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    note(key, `${of} @key(fields:): expected the name of one field, got ${shown(JSON.stringify(key.value))}`);
    return null;
  }
  const fields = node.fields ?? [];
  if (!fields.some((field) => field.name.value === name))
    note(node.name, `${of}: expected the field of its key, ${name}: ID!, got none`);
  for (const field of fields) checkField(of, field, name, note);
  return property && { name: of, key: name, property: property.value, keyType: keyTypeOf(fields, name) };
}

function checkField(of: string, field: FieldDefinitionNode, key: string, note: Note) {
  const at = `${of}.${field.name.value}`;
  if (field.name.value !== key)
    note(
      field,
      `${at}: expected no field but that of the key, ${key}: what else it has belongs to the service that owns it`,
    );
  else if (reportFields.has(key)) note(field, `${at}: expected a key that is not named like a report, got ${key}`);
  else if (!keyTypes.includes(print(field.type)))
    note(field.type, `${at}: expected ID! or String!, got ${print(field.type)}: ids are texts in events`);
  for (const each of field.directives ?? []) note(each, `${at}: expected no directives, got @${each.name.value}`);
  for (const each of field.arguments ?? []) note(each, `${at}: expected no arguments, got ${each.name.value}`);
}

function keyTypeOf(fields: readonly FieldDefinitionNode[], key: string): EntityType['keyType'] {
  const field = fields.find(({ name }) => name.value === key);
  return field && print(field.type) === 'String!' ? 'String!' : 'ID!';
}

/** The text that a directive has to have. */
function parseDirective(
  node: ObjectTypeDefinitionNode,
  directive: string,
  argument: string,
  example: string,
  note: Note,
): StringValueNode | null {
  const of = node.name.value;
  const given = (node.directives ?? []).filter(({ name }) => name.value === directive);
  const [only] = given;
  if (!only || given.length > 1) {
    note(given[1] ?? node.name, `${of}: expected ${example}, got ${only ? `${given.length} of them` : 'none'}`);
    return null;
  }
  const args = only.arguments ?? [];
  const [first] = args;
  if (!first || args.length > 1 || first.name.value !== argument || first.value.kind !== Kind.STRING) {
    note(only, `${of}: expected ${example}, got ${shown(print(only))}`);
    return null;
  }
  return first.value;
}

function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 80)}...` : line;
}
