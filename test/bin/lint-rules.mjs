/** Lint rules of this house that no plugin has. */

const SOCKETS =
  /^(ws|pg|socket\.io|socket\.io-client|kafkajs|playwright-core|node:(net|http|https|tls|dgram)|@tradesense\/(local|kafka|client|outbox).*)$/;

/** Amounts are BigInt cents (pitfall M1): what makes a float of a text, or a text of a float, has no place beside them. */
const noFloats = {
  create(context) {
    const report = (node, what) =>
      context.report({ node, message: `${what} makes floats; amounts are Money, in whole cents (pitfall M1).` });
    return {
      CallExpression(node) {
        const { callee } = node;
        if (callee.type === 'Identifier' && ['Number', 'parseFloat'].includes(callee.name)) report(node, callee.name);
        if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
        if (
          callee.object.type === 'Identifier' &&
          callee.object.name === 'Number' &&
          callee.property.name === 'parseFloat'
        )
          report(node, 'Number.parseFloat');
        if (['toFixed', 'toPrecision'].includes(callee.property.name)) report(node, callee.property.name);
      },
      UnaryExpression(node) {
        if (node.operator === '+') report(node, 'unary plus');
      },
      Literal(node) {
        if (typeof node.value === 'number' && !Number.isInteger(node.value)) report(node, 'a fraction');
      },
    };
  },
};

/** engine.io takes its timers from Node's module, pg hangs on a faked nextTick: half of a socket's time would stand still. */
const noFakeTimersBesideSockets = {
  create(context) {
    const sockets = [];
    const fakes = [];
    return {
      ImportDeclaration(node) {
        if (SOCKETS.test(node.source.value) && node.importKind !== 'type') sockets.push(node.source.value);
      },
      MemberExpression(node) {
        if (node.property.type === 'Identifier' && node.property.name === 'useFakeTimers') fakes.push(node);
      },
      'Program:exit'() {
        const inUnit = context.filename.includes('/test/unit/');
        if (inUnit && sockets.length === 0) return;
        const why = sockets.length === 0 ? 'outside unit tests' : `beside ${sockets.join(', ')}`;
        for (const node of fakes)
          context.report({
            node,
            message: `No fake timers ${why}: use a Clock, or short real intervals (pitfall X1).`,
          });
      },
    };
  },
};

/** What is left to do stands in an issue, not in the code. */
const noTodo = {
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments())
          if (/\b(TODO|FIXME|XXX)\b/.test(comment.value))
            context.report({ loc: comment.loc, message: 'Do it, or file an issue and delete the remark.' });
      },
    };
  },
};

export default {
  meta: { name: 'house' },
  rules: {
    'no-floats': noFloats,
    'no-fake-timers-beside-sockets': noFakeTimersBesideSockets,
    'no-todo': noTodo,
  },
};
