<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

/** Values by name, as the models of frameworks have them. */
abstract class Model implements \ArrayAccess, \JsonSerializable, \IteratorAggregate
{
    protected array $values = [];
    protected static array $casts = ['id' => 'int'];

    public function __construct(array $values = [])
    {
        foreach ($values as $name => $value) {
            $this->__set($name, $value);
        }
    }

    public function __get(string $name): mixed
    {
        $accessor = 'get' . ucfirst($name);
        return method_exists($this, $accessor) ? $this->$accessor($this->values[$name] ?? null) : $this->values[$name] ?? null;
    }

    public function __set(string $name, mixed $value): void
    {
        $this->values[$name] = match (static::$casts[$name] ?? 'string') {
            'int' => (int) $value,
            'float' => (float) $value,
            'bool' => (bool) $value,
            'list' => (array) $value,
            default => $value,
        };
    }

    public function __isset(string $name): bool
    {
        return isset($this->values[$name]);
    }

    public function __unset(string $name): void
    {
        unset($this->values[$name]);
    }

    public static function __callStatic(string $name, array $arguments): static
    {
        return new static([lcfirst(substr($name, 4)) => $arguments[0] ?? null]);
    }

    public function offsetExists(mixed $offset): bool { return $this->__isset($offset); }
    public function offsetGet(mixed $offset): mixed { return $this->__get($offset); }
    public function offsetSet(mixed $offset, mixed $value): void { $this->__set($offset, $value); }
    public function offsetUnset(mixed $offset): void { $this->__unset($offset); }
    public function jsonSerialize(): array { return $this->values; }
    public function getIterator(): \Generator { yield from $this->values; }
}
