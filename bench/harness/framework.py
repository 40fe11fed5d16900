# SPDX-License-Identifier: MIT
"""Makes the classes of site/framework: as many files as a framework loads before it sees a request."""
import os

SERVICES = 180
CONTRACTS = 20

CONTRACT = """<?php
namespace Bench;

interface Contract{number}
{{
    const KIND = 'kind {number}';

    public function name(): string;

    /** @return array<string, int> */
    public function events(): array;
}}
"""
SERVICE = """<?php
namespace Bench;

final class Service{number} implements Contract{contract}
{{
    private const DEFAULTS = ['cache' => true, 'lifetime' => {number}, 'names' => ['first', 'second', 'third'], 'prefix' => 'service{number}.'];
    private array $options;
    private array $seen = [];

    public function __construct(private ?object $inner = null, array $options = [])
    {{
        $this->options = $options + self::DEFAULTS;
        foreach ($this->options['names'] as $name) {{
            $this->seen[$this->options['prefix'] . $name] = strlen($name);
        }}
    }}

    public function name(): string
    {{
        return self::KIND . ' of ' . $this->options['prefix'];
    }}

    public function events(): array
    {{
        return {events};
    }}

    public function on(string $event, array $rows): array
    {{
        foreach ($rows as &$row) {{
            $row[] = "$event {number}";
        }}
        return $rows;
    }}

    public function rows(int $id): array
    {{
        $rows = [];
        for ($i = 0; $i < 10; $i++) {{
            $rows[] = [$this->name(), (string) ($id * $i), ucfirst($this->options['names'][$i % 3])];
        }}
        return $this->inner === null ? $rows : array_slice($rows, 0, 20);
    }}

    public function describe(): string
    {{
        $parts = [];
        foreach ($this->seen as $name => $length) {{
            $parts[] = sprintf('%s (%d)', $name, $length);
        }}
        return implode(', ', $parts) . ($this->inner ? ' in ' . $this->inner->name() : '');
    }}
}}
"""


def make_classes(site: str) -> None:
    """200 files, and the table by which they are wired, into site/framework/classes."""
    folder = os.path.join(site, "framework", "classes")
    os.mkdir(folder)
    files = {f"Contract{number}.php": CONTRACT.format(number=number) for number in range(CONTRACTS)}
    table = []
    for number in range(SERVICES):
        events = "['request' => 1, 'controller' => 2, 'response' => 3]" if number % 30 == 0 else "[]"
        files[f"Service{number}.php"] = SERVICE.format(number=number, contract=number % CONTRACTS, events=events)
        inner = f"'service{number // 2}'" if number % 3 == 1 else "null"
        table.append(f"    'service{number}' => [Service{number}::class, {inner}],")
    files["services.php"] = "<?php\nnamespace Bench;\n\nreturn [\n" + "\n".join(table) + "\n];\n"
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
