#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
random_configurations.py - random Click configurations that are right, one for each seed.

    tests/random_configurations.py 17       prints that of seed 17

They use what the language has: chains and lists, port lists, compounds with overloads, formals and
variables, groups, implied and anonymous ends, names of every kind. Wires are counted as they are
laid: every output leads to one place, every input is reached, so that a router can be made of it.
The same seed gives the same text, here and everywhere, for as long as this file does not change.
"""
import random
import sys

DEPTH_MAX = 3
WORDS = ["a", "b1", "x y", "0", "12", "'p, q'", '"r s"', '"t\\tu"', "v/w", "1.2.3.4", "\\<41 42>",
         "(z k)", "[", '"a, \\"b\\" c"', "// c\n", "/* d, e */", "-", "f_g", "'$a'", '""', "\n"]


class Class:
    """A compound's definition in force: what its overloads take."""

    def __init__(self, name, overloads):
        self.name, self.overloads = name, overloads     # [(inputs, outputs, formals)]


class Scope:
    """What names mean in a body; groups share that of the body around them."""

    def __init__(self, outer=None, name=""):
        self.outer, self.names = outer, set()
        self.classes = dict(outer.classes) if outer else {}
        self.variables = list(outer.variables) if outer else []


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.left = self.random.choice([4, 8, 15, 30])  # elements that may still be made

    # ---- small things ----

    def chance(self, p):
        return self.random.random() < p

    def pick(self, *choices):
        return self.random.choice(choices)

    def space(self):
        return self.pick("", "", " ", " ", " ", "\n", " /* c */ ", " // c\n")

    def name(self, scope):
        while True:
            n = self.random.randrange(20)
            name = self.pick("e%d", "e%d", "x@%d", "Null@%d", "Idle@%d", "%dq", "a/b%d", "_%d",
                             "C%d@1", "input%d") % n
            if name not in scope.names and name not in scope.classes:
                scope.names.add(name)
                return name

    def number(self, n):
        return self.pick("%d", "%d", "%d", "0x%x", "0%o") % n if n else self.pick("0", "0x0", "00")

    def ports(self, ports, inputs):
        """`[0, 1]` in some spelling; what may be left out sometimes is."""
        if ports == [0] and self.chance(0.6):
            return ""
        parts, i = [], 0
        while i < len(ports):
            j = i
            while j + 1 < len(ports) and ports[j + 1] == ports[j] + 1 and self.chance(0.7):
                j += 1
            parts.append(self.number(ports[i]) if j == i
                         else f"{self.number(ports[i])}-{self.number(ports[j])}")
            i = j + 1
        text = "[" + self.pick(",", ", ").join(parts) + "]"
        return text + self.space() if inputs else self.space() + text

    # ---- configuration strings ----

    def variable(self, scope):
        name = self.pick(*scope.variables, "none") if scope.variables else "none"
        form = self.pick("$%s", "${%s}", "${%s}", "${%s-d}", "${%s[0]}")
        return form % name

    def quoted(self, scope):
        """A double-quoted string."""
        parts = [self.pick("a", "b c", ", ", "\\n", "\\x41", "\\\\", '\\"', "'", "\\$v", "(", "//",
                           "\\<42>", self.variable(scope), self.variable(scope))
                 for _ in range(self.random.randrange(5))]
        return '"' + "".join(parts) + '"'

    def argument(self, scope):
        """An argument for a compound, of which anything may be made."""
        return "".join(self.pick(self.pick(*WORDS), self.variable(scope), self.quoted(scope), " ")
                       for _ in range(self.random.randrange(1, 4)))

    def arguments(self, scope, formals):
        positional = [f for f in formals if f[0] == ""]
        texts = ["1" + self.argument(scope) for _ in positional]    # neither empty nor a keyword's
        keywords = [f"{f[0]} {self.pick('1', '2 3', self.variable(scope))}" for f in formals
                    if f[0] not in ("", "__REST__")]
        self.random.shuffle(keywords)
        return (self.pick(", ", ",", " , ")).join(texts + keywords)

    # ---- elements in chains ----

    def one_to_one(self, scope, depth):
        """Something with an input and an output, to stand in a chain."""
        self.left -= 1
        kinds = ["plain"] * 4
        if depth < DEPTH_MAX and self.left > 0:
            kinds += ["compound", "group", "class"]
        kind = self.random.choice(kinds)
        if kind == "compound":
            text = self.compound(scope, 1, 1, depth)
            return f"{self.name(scope)} :: {text}" if self.chance(0.4) else text
        if kind == "group":
            return self.group(scope, 1, 1, depth)
        if kind == "class":
            fitting = [(c, o) for c in scope.classes.values() for o in c.overloads if o[:2] == (1, 1)]
            if fitting:
                class_, overload = self.random.choice(fitting)
                return self.declared(scope, class_.name, self.arguments(scope, overload[2]))
        return self.declared(scope, *self.pick(("Null", ""), ("Null", ""), ("Idle", ""),
                                               ("Paint", self.number(self.random.randrange(9))),
                                               ("Print", self.quoted(scope)),
                                               ("Print", self.quoted(scope))))

    def declared(self, scope, class_, config):
        config = f"({self.space()}{config}{self.space()})" if config or self.chance(0.2) else ""
        if self.chance(0.4):
            return f"{self.name(scope)}{self.space()}::{self.space()}{class_}{config}"
        return class_ + config

    def many(self, scope, width, depth):
        """Something with `width` inputs and outputs, with its ports written."""
        self.left -= 1
        to, back = list(range(width)), list(range(width))
        self.random.shuffle(to)
        self.random.shuffle(back)
        fitting = [(c, o) for c in scope.classes.values() for o in c.overloads
                   if o[:2] == (width, width)]
        if fitting and self.chance(0.5):
            class_, overload = self.random.choice(fitting)
            text = self.declared(scope, class_.name, self.arguments(scope, overload[2]))
        elif depth < DEPTH_MAX and self.chance(0.4):
            text = self.compound(scope, width, width, depth)
        elif depth < DEPTH_MAX and self.chance(0.4):
            text = self.group(scope, width, width, depth)
            if self.chance(0.5):
                return text             # whose ports are known
        else:
            text = self.declared(scope, "Idle", "")
        return self.ports(to, True) + text + self.ports(back, False)

    def stage(self, scope, width, depth):
        if width == 1:
            return self.one_to_one(scope, depth)
        if self.chance(0.5):
            return self.many(scope, width, depth)
        return self.list_of(scope, width, depth)

    def list_of(self, scope, width, depth):
        return ", ".join(self.one_to_one(scope, depth) for _ in range(width))

    # ---- bodies ----

    def formals(self, scope):
        names = self.random.sample(["a", "b", "v", "w", "long_name"], self.random.randrange(4))
        formals = []
        for i, name in enumerate(names):
            formals.append((self.pick("", f"K{i}") if not formals or formals[-1][0] == ""
                            else f"K{i}", name))
        if self.chance(0.15):
            formals.append(("__REST__", "rest"))
        return formals

    def compound(self, scope, inputs, outputs, depth, formals=()):
        """`{ ... }`; without formals."""
        return "{" + self.overload(scope, inputs, outputs, depth, list(formals)) + "}"

    def overload(self, scope, inputs, outputs, depth, formals):
        inner = Scope(scope)
        inner.variables += [name for _, name in formals]
        head = ", ".join(f"{keyword} ${name}".strip() for keyword, name in formals)
        body = self.body(inner, inputs, outputs, depth + 1, "compound",
                         {name for _, name in formals})
        return f"{' ' + head + ' |' if head else self.pick('', '', ' |')} {body} "

    def group(self, scope, inputs, outputs, depth):
        return "(" + self.body(scope, inputs, outputs, depth + 1, "group") + ")"

    def elementclass(self, scope, depth):
        name = self.pick("C1", "C2", "C3", "Foo", "x_y", "Null2")
        if name in scope.names:
            return ""
        if scope.classes and self.chance(0.15):
            other = self.pick(*scope.classes.values())
            scope.classes[name] = Class(name, other.overloads)
            return f"elementclass {name} {other.name};"
        overloads, bodies = [], []
        for _ in range(self.pick(1, 1, 1, 2, 3)):
            inputs, outputs = self.pick((1, 1), (1, 1), (2, 2), (1, 2), (2, 1), (3, 3))
            formals = self.formals(scope)
            # Which overload a use gets must not be a matter of taste.
            if any(o[:2] == (inputs, outputs) and
                   [f[0] for f in o[2]] == [f[0] for f in formals] for o in overloads):
                continue
            bodies.append(self.overload(scope, inputs, outputs, depth, formals))
            overloads.append((inputs, outputs, formals))
        text = f"elementclass {name} {{{'||'.join(bodies)}"
        if name in scope.classes and self.chance(0.4):
            text += "|| ..."
            overloads += [o for o in scope.classes[name].overloads
                          if not any(n[:2] == o[:2] and len(n[2]) == len(o[2]) for n in overloads)]
        scope.classes[name] = Class(name, overloads)
        return text + "}"

    def define(self, scope, taken):
        name = self.pick("a", "b", "c", "d", "v")
        if name in taken:
            return ""
        taken.add(name)
        value = self.pick("1", "x y", '"q r"', "'s'", "2 $none", self.variable(scope))
        scope.variables.append(name)
        return f"define(${name} {value})"

    def source(self, ref, enclosure):
        """An open output as the start of a chain."""
        name, port = ref
        if name == "input" and enclosure != "file" and self.chance(0.5):
            return f"[{self.number(port)}]" if port or self.chance(0.3) else ""
        return name + self.ports([port], False)

    def sink(self, scope, need, named, enclosure):
        """Where a chain of one wire ends: an input that waits, or one that does not."""
        if need and self.chance(0.7):
            name, port = need.pop(self.random.randrange(len(need)))
            if name == "output" and enclosure != "file" and self.chance(0.5):
                return f"[{self.number(port)}]" if port or self.chance(0.3) else " "
            return self.ports([port], True) + name
        if named and self.chance(0.3):
            name, inputs = self.random.choice(named)
            return self.ports([self.random.randrange(inputs)], True) + name
        return self.declared(scope, self.pick("Discard", "Idle"), "")

    def body(self, scope, inputs, outputs, depth, enclosure, taken=None):
        """Statements, one after the other."""
        taken = set() if taken is None else taken
        open_ = [("input", port) for port in range(inputs)]
        need = [("output", port) for port in range(outputs)]
        named, statements = [], []          # named: (name, inputs) that may be reached again
        for _ in range(self.random.randrange(1, 5)):
            if self.chance(0.25) and depth < DEPTH_MAX and enclosure != "group":
                statements.append(self.elementclass(scope, depth))
            if self.chance(0.2) and enclosure != "group":
                statements.append(self.define(scope, taken))
            if self.chance(0.1):
                statements.append(f"Script(TYPE PASSIVE, set a 1{self.argument(scope)})")
            statements.append(self.chain(scope, open_, need, named, depth, enclosure))
        while open_ or need:
            statements.append(self.finish(scope, open_, need, named, enclosure))
        return self.join(statements)

    def join(self, statements):
        text = ""
        for statement in statements:
            if statement:
                text += statement + ";" + self.pick(" ", "\n", "")
        return text

    def finish(self, scope, open_, need, named, enclosure):
        if open_:
            start = self.source(open_.pop(self.random.randrange(len(open_))), enclosure)
        else:
            start = self.declared(scope, "Idle", "")
        return f"{start} -> {self.sink(scope, need, named, enclosure)}"

    def chain(self, scope, open_, need, named, depth, enclosure):
        width = self.pick(1, 1, 1, 2, 3)
        if open_ and self.chance(0.6):
            width = min(width, len(open_))
            taken = [open_.pop(self.random.randrange(len(open_))) for _ in range(width)]
            if width == 1:
                text = self.source(taken[0], enclosure)
            elif len({name for name, _ in taken}) == 1:
                text = taken[0][0] + self.ports([port for _, port in taken], False)
            else:
                text = ", ".join(name + self.ports([port], False) for name, port in taken)
        elif self.chance(0.3) and width == 1:
            both = self.name(scope), self.name(scope)
            open_ += [(both[0], 0)]
            return f"{both[0]}, {both[1]} :: Idle; {both[1]} -> {both[0]}"
        elif self.chance(0.5):
            text = ", ".join(self.declared(scope, "Idle", "") for _ in range(width))
        elif width > 1 and self.left > width and self.chance(0.3):
            # As many ports as there are elements on the other side.
            text = (self.declared(scope, "Idle", "") + self.pick("[]", " [0-]", "[0,1-]") + " => " +
                    self.list_of(scope, width, depth))
        else:
            text = self.declared(scope, "Idle", "") + self.ports(list(range(width)), False)
        for _ in range(self.random.randrange(4)):
            if self.left <= 0:
                break
            arrow = "->" if width == 1 and self.chance(0.9) else "=>"
            text += self.space() + arrow + self.space() + self.stage(scope, width, depth)
        return text + self.end(scope, width, open_, need, named, enclosure)

    def end(self, scope, width, open_, need, named, enclosure):
        arrow = self.space() + ("->" if width == 1 else "=>") + self.space()
        if width == 1 and self.chance(0.4):
            name, class_ = self.name(scope), self.pick("Null", "Idle", "Tee")
            outputs = 1 if class_ == "Null" else self.random.randrange(1, 4)
            open_ += [(name, port) for port in range(outputs)]
            named.append((name, 1))
            return f"{arrow}{name} :: {class_}"
        if width > 1 and self.chance(0.3):
            return f"{self.space()}-> {self.declared(scope, self.pick('Discard', 'Idle'), '')}"
        if width > 1 and self.chance(0.4):
            name = self.name(scope)
            named.append((name, width))
            ports = self.pick(f"[0-{width - 1}]", "[" + ",".join(map(str, range(width))) + "]")
            return f"{arrow}{ports} {name} :: Idle"
        if width > 1:
            return arrow + ", ".join(self.sink_of_list(scope, need, named) for _ in range(width))
        return arrow + self.sink(scope, need, named, enclosure)

    def sink_of_list(self, scope, need, named):
        return self.sink(scope, need, named, "file")


def configuration(seed):
    generator = Generator(seed)
    return generator.body(Scope(), 0, 0, 0, "file") + "\n"


if __name__ == "__main__":
    sys.stdout.write(configuration(int(sys.argv[1])))
