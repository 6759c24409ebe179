from maskwright import backend


def test_versions_and_processor():
    found = backend.versions()
    assert found["keras"] and found["numpy"] and found["python"].startswith("3.")
    assert backend.processor_name()


def test_seeds_repeat():
    import keras

    draws = []
    for _ in range(2):
        backend.seed_everything(5, deterministic=True)
        draws.append(keras.ops.convert_to_numpy(keras.random.normal((3,))).tolist())
    assert draws[0] == draws[1]
