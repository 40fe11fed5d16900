<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

/** Makes objects with what their constructors ask for. */
final class Container
{
    private array $made = [];

    public function __construct(private array $factories = []) {}

    public function get(string $name): object
    {
        return $this->made[$name] ??= isset($this->factories[$name]) ? ($this->factories[$name])($this) : $this->build($name);
    }

    private function build(string $name): object
    {
        $class = new \ReflectionClass($name);
        $arguments = [];
        foreach ($class->getConstructor()?->getParameters() ?? [] as $parameter) {
            $type = $parameter->getType();
            $arguments[] = $type instanceof \ReflectionNamedType && !$type->isBuiltin() ? $this->get($type->getName()) : $parameter->getDefaultValue();
        }
        return $class->newInstanceArgs($arguments);
    }
}
